package v2

import (
	"context"
	"net/http"
	"strings"

	"github.com/gorilla/mux"

	"spool.internal/events"
	"spool.internal/gateway/wire"
)

// defaultResults is how many results a page has by default.
const defaultResults = 50

type resultPage struct {
	Results []result `json:"results"`
	Next    string   `json:"next_page_token,omitempty"`
}

func (a *API) listResults(w http.ResponseWriter, r *http.Request) error {
	q := wire.ReadQuery(r, "status", "limit", "page_token")
	status := events.Status(q.OneOf("status", string(events.OK), string(events.ERROR)))
	limit := q.Limit(defaultResults)
	before, _ := q.After()
	if q.Err() != nil {
		return q.Err()
	}
	id := jobID(r)
	if _, err := a.Changes.Find(r.Context(), a.Caller(r), id); err != nil {
		return err
	}
	var page resultPage
	var found []events.Result
	last := uint64(0)
	// Each page goes through the newer ones again: one of them may take the place of one on this page.
	err := a.eachResult(r.Context(), id, func(seq uint64, res events.Result) bool {
		if before > 0 && seq >= before || status != "" && status != res.Status {
			return true
		}
		if len(found) == limit {
			page.Next = wire.PageToken(last, "")
			return false
		}
		found, last = append(found, res), seq
		return true
	})
	if err == nil {
		page.Results, err = a.show(r.Context(), id, found)
	}
	if err != nil {
		return err
	}
	wire.Write(w, http.StatusOK, page)
	return nil
}

func (a *API) rerun(w http.ResponseWriter, r *http.Request) error {
	if err := wire.ReadNothing(r); err != nil {
		return err
	}
	triggerID := mux.Vars(r)["trigger_id"]
	parts := strings.SplitN(triggerID, ":", 3)
	if len(parts) != 3 {
		return noSuchResult()
	}
	rev, err := a.Changes.Find(r.Context(), a.Caller(r), parts[1])
	if events.CodeOf(err) == events.NotFound {
		return noSuchResult()
	}
	if err == nil {
		err = a.Caller(r).Reaches(rev.Event.Job) // before anything is said about its files
	}
	if err != nil {
		return err
	}
	res, err := a.resultOf(r.Context(), parts[1], triggerID)
	if err != nil {
		return err
	}
	if err := a.Caller(r).Access().CheckFile(res.File); err != nil {
		return err
	}
	if err := a.staged(res.File); err != nil {
		return err
	}
	return a.queue(w, r, func(key string) (string, error) {
		return a.Changes.Rerun(r.Context(), a.Caller(r), key, res)
	})
}

func (a *API) resultOf(ctx context.Context, jobID, triggerID string) (events.Result, error) {
	var res *events.Result
	err := a.eachResult(ctx, jobID, func(_ uint64, r events.Result) bool {
		if r.TriggerID == triggerID {
			res = &r
		}
		return res == nil
	})
	switch {
	case err != nil:
		return events.Result{}, err
	case res == nil:
		return events.Result{}, noSuchResult()
	default:
		return *res, nil
	}
}

func noSuchResult() error {
	return events.Faultf(events.NotFound, "trigger_id", "no such result, or it is not kept any more")
}

// staged says why a file cannot be run again.
func (a *API) staged(f *events.File) error {
	if f == nil || a.Stages == nil {
		return nil
	}
	p, err := events.ParsePath("input_dir", f.InputDir)
	if err == nil {
		_, err = a.Stages.Stat(p)
	}
	if err != nil {
		return wire.Refuse(http.StatusConflict, events.Conflict, "trigger_id",
			"the content of this file is not kept any more: put the file into the folder again")
	}
	return nil
}
