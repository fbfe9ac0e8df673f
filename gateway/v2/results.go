package v2

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/gateway/change"
	"spool.internal/gateway/index"
	"spool.internal/gateway/wire"
)

// defaultResults is how many results a page has by default.
const defaultResults = 50

// fillWait is how long a list of executions waits for the index to know them all.
const fillWait = 5 * time.Second

// ResultPage is executions, newest first.
type ResultPage struct {
	Results   []Result  `json:"results"`
	KnownFrom time.Time `json:"known_from"`
	Next      string    `json:"next_page_token,omitempty"`
}

// resultKeys are what executions are chosen by, in a query.
var resultKeys = []string{"outcome", "kind", "from", "to", "limit", "page_token"}

// readQuery reads which executions are asked for.
func readQuery(q *wire.Query) index.Query {
	asked := index.Query{
		Kind:  events.Kind(q.OneOf("kind", string(events.KindCron), string(events.KindManual), string(events.KindFile), string(events.KindRetry))),
		From:  q.Time("from", time.Time{}),
		To:    q.Time("to", time.Time{}),
		Limit: q.Limit(defaultResults),
	}
	if !asked.To.IsZero() && asked.To.Before(asked.From) {
		q.Fail("to", "is before from: exchange them, or leave one out")
	}
	asked.Before, _ = q.After()
	if text := q.Text("outcome"); text != "" {
		for one := range strings.SplitSeq(text, ",") {
			if !slices.Contains(events.Outcomes, events.Outcome(one)) {
				q.Fail("outcome", strings.TrimSpace(one)+" is not one of "+joined(events.Outcomes))
			}
			asked.Outcomes = append(asked.Outcomes, events.Outcome(one))
		}
	}
	return asked
}

func joined(list []events.Outcome) string {
	words := make([]string, len(list))
	for i, o := range list {
		words[i] = string(o)
	}
	return strings.Join(words, ", ")
}

// ListResults lists the executions of a job.
func (a *API) ListResults(ctx context.Context, who change.Caller, id string, values url.Values) (ResultPage, error) {
	q := wire.ReadValues(values, append([]string{"status"}, resultKeys...)...)
	asked := readQuery(q)
	asked.Status = events.Status(q.OneOf("status", string(events.OK), string(events.ERROR)))
	if q.Err() != nil {
		return ResultPage{}, q.Err()
	}
	asked.JobID = id
	if _, err := a.Changes.Find(ctx, who, asked.JobID); err != nil {
		return ResultPage{}, err
	}
	return a.executions(ctx, asked)
}

// ListAllResults lists the executions of all jobs that a caller may see.
func (a *API) ListAllResults(ctx context.Context, who change.Caller, values url.Values) (page ResultPage, err error) {
	q := wire.ReadValues(values, append([]string{"job_id", "q", "username"}, resultKeys...)...)
	asked := readQuery(q)
	if q.Err() != nil {
		return page, q.Err()
	}
	if asked.Jobs.Owner, err = who.OwnerFor(q.Text("username")); err != nil {
		return page, err
	}
	if asked.JobID = strings.ToLower(q.Text("job_id")); asked.JobID != "" {
		if _, err := a.Changes.Find(ctx, who, asked.JobID); err != nil {
			return page, err
		}
	}
	if text := q.Text("q"); len(strings.SplitN(text, ":", 3)) == 3 {
		asked.Trigger = text
	} else {
		asked.Jobs.Text = text
	}
	if err := a.Jobs.Refresh(ctx); err != nil {
		return page, err
	}
	return a.executions(ctx, asked)
}

func (a *API) listAllResults(w http.ResponseWriter, r *http.Request) error {
	q, err := wire.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	page, err := a.ListAllResults(r.Context(), a.Caller(r), q)
	if err != nil {
		return err
	}
	wire.Write(w, http.StatusOK, page)
	return nil
}

// executions gives a page of executions. Right after a start, when not all are
// known, it waits for a while and then says since when they are.
func (a *API) executions(ctx context.Context, asked index.Query) (page ResultPage, err error) {
	fill, cancel := context.WithTimeout(ctx, fillWait)
	_ = a.Index.Filled(fill) // known_from says what is known
	cancel()
	list, more, known := a.Index.Executions(asked, time.Now())
	page.KnownFrom = known
	if more {
		page.Next = wire.PageToken(list[len(list)-1].Seq, "")
	}
	page.Results, err = a.read(ctx, list)
	return page, err
}

// read shows executions that the index knows.
func (a *API) read(ctx context.Context, list []index.Execution) ([]Result, error) {
	seqs := make([]uint64, len(list))
	for i, e := range list {
		seqs[i] = e.Seq
	}
	found := make([]events.Result, len(list))
	if err := a.Bus.ResultsAt(ctx, seqs, func(i int, m jet.Entry[events.Result]) {
		if r, err := m.Value(); err == nil {
			found[i] = r
		}
	}); err != nil {
		return nil, err
	}
	var stands []events.Outcome
	results := found[:0]
	for i, r := range found {
		if r.TriggerID != "" { // else it is gone since it was indexed
			results, stands = append(results, r), append(stands, list[i].Outcome)
		}
	}
	shown, err := a.show(ctx, results)
	for i := range shown {
		if shown[i].Outcome == events.OutcomeNotKept {
			shown[i].Outcome = stands[i] // the index has heard what is not kept any more
		}
	}
	return shown, err
}

// Rerun queues an execution that has a result once more, once for each key; without one each time.
func (a *API) Rerun(ctx context.Context, who change.Caller, triggerID, key string) (newTrigger string, err error) {
	parts := strings.SplitN(triggerID, ":", 3)
	if len(parts) != 3 {
		return "", noSuchResult()
	}
	rev, err := a.Changes.Find(ctx, who, parts[1])
	if events.CodeOf(err) == events.NotFound {
		return "", noSuchResult()
	}
	if err == nil {
		err = who.Reaches(rev.Event.Job) // before anything is said about its files
	}
	if err != nil {
		return "", err
	}
	res, err := a.resultOf(ctx, parts[1], triggerID)
	if err != nil {
		return "", err
	}
	if err := who.Access().CheckFile(res.File); err != nil {
		return "", err
	}
	if err := a.staged(res.File); err != nil {
		return "", err
	}
	return a.Changes.Rerun(ctx, who, key, res)
}

func (a *API) rerun(w http.ResponseWriter, r *http.Request) error {
	if err := wire.ReadNothing(r); err != nil {
		return err
	}
	return a.queue(w, r, func(key string) (string, error) {
		return a.Rerun(r.Context(), a.Caller(r), mux.Vars(r)["trigger_id"], key)
	})
}

func (a *API) resultOf(ctx context.Context, jobID, triggerID string) (events.Result, error) {
	if r, found, err := a.Index.Find(ctx, jobID, triggerID); err != nil || found {
		return r, err
	}
	var res *events.Result // not known yet: the index is being filled
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
	if err == nil && a.here(p) {
		_, err = a.Stages.Stat(p)
	}
	if err != nil {
		return wire.Refuse(http.StatusConflict, events.Conflict, "trigger_id",
			"the content of this file is not kept any more: put the file into the folder again")
	}
	return nil
}
