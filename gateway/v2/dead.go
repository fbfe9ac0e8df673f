package v2

import (
	"net/http"
	"strconv"
	"time"

	"github.com/gorilla/mux"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/gateway/wire"
)

// deadLetter is what could not be delivered, and its last call.
type deadLetter struct {
	ID string    `json:"id"`
	At time.Time `json:"at"`
	result
}

func (a *API) listDead(w http.ResponseWriter, r *http.Request) error {
	q := wire.ReadQuery(r, "username", "limit", "page_token")
	limit := q.Limit(wire.DefaultLimit)
	before, _ := q.After()
	if q.Err() != nil {
		return q.Err()
	}
	owner, err := a.Caller(r).OwnerFor(q.Text("username"))
	if err != nil {
		return err
	}
	letters, err := a.deadOf(r, owner)
	if err != nil {
		return err
	}
	var page struct {
		Dead []deadLetter `json:"dead_letters"`
		Next string       `json:"next_page_token,omitempty"`
	}
	page.Dead = []deadLetter{}
	last := uint64(0)
	err = letters.Newest(r.Context(), before, func(m jet.Entry[events.DeadLetter]) bool {
		d, err := m.Value()
		if err != nil {
			return true // of another version
		}
		if len(page.Dead) == limit {
			page.Next = wire.PageToken(last, "")
			return false
		}
		last = d.Seq
		page.Dead = append(page.Dead, deadLetter{strconv.FormatUint(d.Seq, 10), d.At.UTC(), showResult(d.Result, nil)})
		return true
	})
	if err != nil {
		return err
	}
	wire.Write(w, http.StatusOK, page)
	return nil
}

// deadOf gives the dead letters of a user's jobs; "" is everybody's, those of deleted
// jobs among them.
func (a *API) deadOf(r *http.Request, owner string) (letters jet.View[events.DeadLetter], err error) {
	counts, err := a.Bus.DeadLetters("").CountByJob(r.Context())
	if err == nil {
		err = a.Jobs.Refresh(r.Context())
	}
	if err != nil {
		return letters, err
	}
	for id := range counts {
		if job, ok := a.Jobs.Job(id); owner == "" || ok && job.Username == owner {
			letters = letters.And(a.Bus.DeadLetters(id))
		}
	}
	return letters, nil
}

// findDead reads a dead letter that the caller may see, and its job; that has no
// id when it is deleted.
func (a *API) findDead(r *http.Request) (d events.DeadLetter, job events.Job, err error) {
	none := events.Faultf(events.NotFound, "id", "no such dead letter: it may have been retried or dropped; GET /api/v2/dead-letters lists them")
	id := mux.Vars(r)["id"]
	seq, err := strconv.ParseUint(id, 10, 64)
	if err != nil || seq == 0 || strconv.FormatUint(seq, 10) != id {
		return d, job, none
	}
	d, found, err := a.Bus.DeadLetter(r.Context(), seq)
	if err != nil {
		return d, job, err
	}
	if !found {
		return d, job, none
	}
	rev, err := a.Changes.Find(r.Context(), a.Caller(r), d.Trigger.JobID)
	if events.CodeOf(err) != events.NotFound {
		return d, rev.Event.Job, err
	}
	if a.Caller(r).MaySee("") {
		return d, job, nil
	}
	return d, job, none
}

func (a *API) retryDead(w http.ResponseWriter, r *http.Request) error {
	if err := wire.ReadNothing(r); err != nil {
		return err
	}
	d, job, err := a.findDead(r)
	if err != nil {
		return err
	}
	if job.ID == "" {
		return wire.Refuse(http.StatusConflict, events.Conflict, "id", "the job is deleted: the dead letter can only be dropped")
	}
	if err := a.Caller(r).Reaches(job); err != nil {
		return err
	}
	if err := a.Caller(r).Access().CheckFile(d.Trigger.File); err != nil {
		return err
	}
	if err := a.Changes.Enqueue(r.Context(), a.Caller(r), job); err != nil {
		return err
	}
	if err := a.Bus.RetryDead(r.Context(), d); err != nil {
		return err
	}
	a.Log.Info("a dead letter is retried", "job_id", d.Trigger.JobID, "trigger_id", d.Trigger.ID, "user", a.Caller(r).Owner)
	wire.Write(w, http.StatusAccepted, triggered{d.Trigger.ID})
	return nil
}

func (a *API) dropDead(w http.ResponseWriter, r *http.Request) error {
	if err := wire.ReadNothing(r); err != nil {
		return err
	}
	d, _, err := a.findDead(r)
	if err != nil {
		return err
	}
	if _, err := a.Bus.DropDead(r.Context(), d.Seq); err != nil {
		return err
	}
	a.Log.Info("a dead letter is dropped", "job_id", d.Trigger.JobID, "trigger_id", d.Trigger.ID, "user", a.Caller(r).Owner)
	w.WriteHeader(http.StatusNoContent)
	return nil
}
