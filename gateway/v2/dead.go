package v2

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/gateway/change"
	"spool.internal/gateway/wire"
)

// DeadLetter is what could not be delivered, and its last call.
type DeadLetter struct {
	ID string    `json:"id"`
	At time.Time `json:"at"`
	Result
}

// deadLooked bounds how many dead letters one request reads.
const deadLooked = 20_000

// deadFilter chooses among dead letters.
type deadFilter struct {
	owner, jobID string // "" = everybody's, of every job
	since        time.Time
	error        string // part of it, in lower case
}

var deadWords = []string{"job_id", "since", "error", "username"}

// readDeadFilter reads the words of a filter, which stand behind a prefix.
func readDeadFilter(q *wire.Query, prefix string, who change.Caller) (f deadFilter, err error) {
	f.jobID, f.since = strings.ToLower(q.Text(prefix+"job_id")), q.Time(prefix+"since", time.Time{})
	f.error = strings.ToLower(q.Text(prefix + "error"))
	if f.jobID != "" && uuid.Validate(f.jobID) != nil {
		q.Fail(prefix+"job_id", "is not the id of a job")
	}
	if q.Err() == nil {
		f.owner, err = who.OwnerFor(q.Text(prefix + "username"))
	}
	return f, cmp.Or(q.Err(), err)
}

func (f deadFilter) admits(d events.DeadLetter) bool {
	return !d.At.Before(f.since) && (f.error == "" || strings.Contains(strings.ToLower(d.Result.Error()), f.error))
}

// DeadPage is a page of dead letters.
type DeadPage struct {
	Dead   []DeadLetter `json:"dead_letters"`
	Total  *total       `json:"total,omitempty"`
	Groups []DeadGroup  `json:"groups,omitempty"`
	Next   string       `json:"next_page_token,omitempty"`
}

// ListDead gives a page of dead letters, newest first; the first page counts them too.
func (a *API) ListDead(ctx context.Context, who change.Caller, values url.Values) (DeadPage, error) {
	page := DeadPage{Dead: []DeadLetter{}}
	q := wire.ReadValues(values, append([]string{"limit", "page_token"}, deadWords...)...)
	limit := q.Limit(wire.DefaultLimit)
	before, _ := q.After()
	f, err := readDeadFilter(q, "", who)
	if err != nil {
		return page, err
	}
	letters, err := a.deadOf(ctx, who, f)
	if err != nil {
		return page, err
	}
	if before == 0 {
		count, groups, err := a.groupDead(ctx, letters, f)
		if err != nil {
			return page, err
		}
		page.Total, page.Groups = &count, groups
	}
	last, looked := uint64(0), 0
	err = letters.Newest(ctx, before, func(m jet.Entry[events.DeadLetter]) bool {
		if len(page.Dead) == limit || looked == deadLooked {
			page.Next = wire.PageToken(last, "")
			return false
		}
		looked++
		last = m.Sequence
		d, err := m.Value()
		switch {
		case m.Time.Before(f.since):
			return false
		case err == nil && f.admits(d): // else it is of another version
			page.Dead = append(page.Dead, showDead(d))
		}
		return true
	})
	return page, err
}

func (a *API) listDead(w http.ResponseWriter, r *http.Request) error {
	q, err := wire.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	page, err := a.ListDead(r.Context(), a.Caller(r), q)
	if err != nil {
		return err
	}
	wire.Write(w, http.StatusOK, page)
	return nil
}

func showDead(d events.DeadLetter) DeadLetter {
	return DeadLetter{strconv.FormatUint(d.Seq, 10), d.At.UTC(), showResult(d.Result, nil)}
}

// GetDead gives one dead letter.
func (a *API) GetDead(ctx context.Context, who change.Caller, id string) (DeadLetter, error) {
	d, _, err := a.findDead(ctx, who, id)
	if err != nil {
		return DeadLetter{}, err
	}
	return showDead(d), nil
}

func (a *API) getDead(w http.ResponseWriter, r *http.Request) error {
	if q := wire.ReadQuery(r); q.Err() != nil {
		return q.Err()
	}
	d, err := a.GetDead(r.Context(), a.Caller(r), mux.Vars(r)["id"])
	if err != nil {
		return err
	}
	wire.Write(w, http.StatusOK, d)
	return nil
}

// deadOf gives the dead letters of a user's jobs, or of one job; for "" everybody's,
// those of deleted jobs among them.
func (a *API) deadOf(ctx context.Context, who change.Caller, f deadFilter) (letters jet.View[events.DeadLetter], err error) {
	if f.jobID != "" {
		if _, err := a.Changes.Find(ctx, who, f.jobID); err != nil && (events.CodeOf(err) != events.NotFound || !who.MaySee("")) {
			return letters, err
		}
		return a.Bus.DeadLetters(f.jobID), nil
	}
	counts, err := a.Bus.DeadByJob(ctx)
	if err == nil {
		err = a.Jobs.Refresh(ctx)
	}
	if err != nil {
		return letters, err
	}
	for id := range counts {
		if job, ok := a.Jobs.Job(id); f.owner == "" || ok && job.Username == f.owner {
			letters = letters.And(a.Bus.DeadLetters(id))
		}
	}
	return letters, nil
}

var errNoDead = events.Faultf(events.NotFound, "id", "no such dead letter: it may have been retried or dropped; GET /api/v2/dead-letters lists them")

// findDead reads a dead letter that the caller may see, and its job; that has no
// id when it is deleted.
func (a *API) findDead(ctx context.Context, who change.Caller, id string) (d events.DeadLetter, job events.Job, err error) {
	seq, err := strconv.ParseUint(id, 10, 64)
	if err != nil || seq == 0 || strconv.FormatUint(seq, 10) != id {
		return d, job, errNoDead
	}
	d, found, err := a.Bus.DeadLetter(ctx, seq)
	if err != nil {
		return d, job, err
	}
	if !found {
		return d, job, errNoDead
	}
	rev, err := a.Changes.Find(ctx, who, d.Trigger.JobID)
	if events.CodeOf(err) != events.NotFound {
		return d, rev.Event.Job, err
	}
	if who.MaySee("") {
		return d, job, nil
	}
	return d, job, errNoDead
}

// RetryDead has one dead letter called for again, and gives the identity of its trigger.
func (a *API) RetryDead(ctx context.Context, who change.Caller, id string) (triggerID string, err error) {
	d, job, err := a.findDead(ctx, who, id)
	if err == nil {
		err = a.retry(ctx, who, d, job)
	}
	return d.Trigger.ID, err
}

func (a *API) retryDead(w http.ResponseWriter, r *http.Request) error {
	if err := wire.ReadNothing(r); err != nil {
		return err
	}
	id, err := a.RetryDead(r.Context(), a.Caller(r), mux.Vars(r)["id"])
	if err != nil {
		return err
	}
	wire.Write(w, http.StatusAccepted, triggered{id})
	return nil
}

// retry has a dead letter called for again.
func (a *API) retry(ctx context.Context, who change.Caller, d events.DeadLetter, job events.Job) error {
	if job.ID == "" {
		return wire.Refuse(http.StatusConflict, events.Conflict, "id", "the job is deleted: the dead letter can only be dropped")
	}
	if err := who.Reaches(job); err != nil {
		return err
	}
	if err := who.Access().CheckFile(d.Trigger.File); err != nil {
		return err
	}
	if err := a.Changes.Enqueue(ctx, who, job); err != nil {
		return err
	}
	if err := a.Bus.RetryDead(ctx, d); err != nil {
		return err
	}
	a.Log.Info("a dead letter is retried", "job_id", d.Trigger.JobID, "trigger_id", d.Trigger.ID, "user", who.Owner)
	return nil
}

// DropDead forgets one dead letter.
func (a *API) DropDead(ctx context.Context, who change.Caller, id string) error {
	d, _, err := a.findDead(ctx, who, id)
	if err == nil {
		err = a.drop(ctx, who, d)
	}
	return err
}

func (a *API) dropDead(w http.ResponseWriter, r *http.Request) error {
	err := wire.ReadNothing(r)
	if err == nil {
		err = a.DropDead(r.Context(), a.Caller(r), mux.Vars(r)["id"])
	}
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

func (a *API) drop(ctx context.Context, who change.Caller, d events.DeadLetter) error {
	if _, err := a.Bus.DropDead(ctx, d.Seq); err != nil {
		return err
	}
	a.Log.Info("a dead letter is dropped", "job_id", d.Trigger.JobID, "trigger_id", d.Trigger.ID, "user", who.Owner)
	return nil
}
