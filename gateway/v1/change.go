package v1

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/google/uuid"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// maxTries bounds how often a change is decided anew because somebody else
// changed the job in between.
const maxTries = 10

func (a *API) enableJob(w http.ResponseWriter, r *http.Request) error {
	id, err := a.turn(r, events.JobEnabled, events.Enabled)
	if err != nil {
		return err
	}
	write(w, http.StatusOK, struct {
		Status      events.Status `json:"status"`
		EnabledJobs string        `json:"enabled_jobs"`
	}{events.OK, id})
	return nil
}

func (a *API) disableJob(w http.ResponseWriter, r *http.Request) error {
	id, err := a.turn(r, events.JobDisabled, events.Disabled)
	if err != nil {
		return err
	}
	write(w, http.StatusOK, struct {
		Status       events.Status `json:"status"`
		DisabledJobs string        `json:"disabled_jobs"`
	}{events.OK, id})
	return nil
}

// turn gives a job a status; a job that has it already stays as it is.
func (a *API) turn(r *http.Request, change events.Change, to events.JobStatus) (id string, err error) {
	if id, err = readJobID(r); err != nil {
		return "", err
	}
	return id, a.update(r, id, func(job events.Job) (events.JobEvent, bool) {
		if job.Status == to {
			return events.JobEvent{}, false
		}
		job.Status = to
		ev := a.event(r, change, job)
		if to == events.Enabled {
			ev.Job.EffectiveFrom = ev.At // no slot from before is the job's own
		}
		return ev, true
	})
}

func (a *API) triggerJob(w http.ResponseWriter, r *http.Request) error {
	id, err := readJobID(r)
	if err != nil {
		return err
	}
	rev, err := a.find(r.Context(), a.Caller(r), id)
	if err != nil {
		return err
	}
	nonce, err := uuid.NewV7()
	if err != nil {
		return err
	}
	t := events.Trigger{
		ID: events.ManualTriggerID(id, nonce.String()), JobID: id, Kind: events.KindManual,
		JobSeq: rev.Seq, At: time.Now().UTC(), By: a.Caller(r).Owner,
	}
	if _, err := a.Store.PutTrigger(r.Context(), events.KindManual, t); err != nil {
		return err
	}
	a.Log.Info("job triggered", "job_id", id, "trigger_id", t.ID, "user", t.By)
	write(w, http.StatusOK, struct {
		Status       events.Status `json:"status"`
		TriggeredJob string        `json:"triggered_job"`
	}{events.OK, id})
	return nil
}

func readJobID(r *http.Request) (string, error) {
	o, err := readArguments(r)
	if err != nil {
		return "", err
	}
	id, err := textOf(o, "job_id")
	if err == nil && id == "" {
		err = events.Faultf(events.Invalid, "job_id", "is required")
	}
	return id, err
}

// find reads a job that the caller may change, from the leader.
func (a *API) find(ctx context.Context, who jet.Token, id string) (jet.JobRevision, error) {
	if !isJobID(id) {
		return jet.JobRevision{}, noSuchJob()
	}
	rev, err := a.Store.Job(ctx, id)
	if err == nil && !mayTouch(who, rev.Event.Job) {
		err = noSuchJob()
	}
	return rev, err
}

// isJobID keeps everything else out of subjects, where "*" and ">" have a meaning.
func isJobID(s string) bool {
	id, err := uuid.Parse(s)
	return err == nil && id.String() == s
}

func mayTouch(who jet.Token, job events.Job) bool {
	return who.Role == jet.Admin || who.Owner == job.Username
}

// noSuchJob does not tell a job of somebody else from none.
func noSuchJob() error { return events.Faultf(events.NotFound, "job_id", "no such job") }

// update stores what decide makes of a job as its last event left it, unless
// decide says that nothing changes.
func (a *API) update(r *http.Request, id string, decide func(events.Job) (events.JobEvent, bool)) error {
	for range maxTries {
		rev, err := a.find(r.Context(), a.Caller(r), id)
		if err != nil {
			return err
		}
		ev, changes := decide(rev.Event.Job)
		if !changes {
			return nil
		}
		err = a.put(r.Context(), ev, rev.Seq)
		if jet.IsConflict(err) {
			continue
		}
		if err == nil {
			a.Log.Info("job changed", "job_id", id, "change", string(ev.Event), "user", ev.By)
		}
		return err
	}
	return events.Faultf(events.Conflict, "job_id", "others keep changing this job: try again")
}

// put stores one event of a job that is at revision expect.
func (a *API) put(ctx context.Context, ev events.JobEvent, expect uint64) error {
	_, err := a.Store.PutJob(ctx, ev, expect)
	if jet.IsFull(err) {
		return events.Faultf(events.Full, "", "there is no room for more jobs: delete some that are not needed")
	}
	return err
}

// event says who changes a job, when and from where.
func (a *API) event(r *http.Request, change events.Change, job events.Job) events.JobEvent {
	from, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		from = r.RemoteAddr
	}
	return events.JobEvent{Event: change, By: a.Caller(r).Owner, At: time.Now().UTC(), From: from, Job: job}
}
