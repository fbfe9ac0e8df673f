package v1

import (
	"context"
	"encoding/json"
	"strconv"
	"sync"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/gateway/change"
)

// resultsShown is how many executions of a job are listed.
const resultsShown = 10

// rows gives jobs as the API shows them, key for key in the seed's order. What
// is stored as it is shown (parameters, HTTP results) is copied, not read: a
// listing of a hundred thousand results is mostly that.
func (a *API) rows(ctx context.Context, who change.Caller, jobs []events.Job) ([][]byte, error) {
	ids := make([]string, len(jobs))
	for i, j := range jobs {
		ids[i] = j.ID
	}
	latest, err := a.Results.LatestOf(ctx, ids, resultsShown)
	if err != nil {
		return nil, err
	}
	rows, faults := make([][]byte, len(jobs)), make([]error, len(jobs))
	var wg sync.WaitGroup
	for i, j := range jobs {
		wg.Go(func() { rows[i], faults[i] = row(j, a.Changes.Visible(who, j), latest[i]) })
	}
	wg.Wait()
	for _, fault := range faults {
		if fault != nil {
			return nil, fault
		}
	}
	return rows, nil
}

func row(j events.Job, parameters json.RawMessage, latest []jet.Entry[events.Result]) ([]byte, error) {
	b := append([]byte(`{"job_id":`), events.Encode(j.ID)...)
	b = append(append(b, `,"username":`...), events.Encode(j.Username)...)
	b = append(append(b, `,"status":`...), events.Encode(j.Status)...)
	b = append(append(b, `,"name":`...), events.Encode(j.Name)...)
	b = append(strconv.AppendInt(append(b, `,"created_on_ns":"`...), j.CreatedOnNS, 10), '"')
	b = append(append(b, `,"job_parameters":`...), parameters...)
	b = append(b, `,"results":[`...)
	for i, m := range latest {
		if i > 0 {
			b = append(b, ',')
		}
		ended, status, result, err := m.HTTPResult()
		if err != nil {
			return nil, err
		}
		b = append(strconv.AppendInt(append(b, `{"timeInNS":"`...), ended.UnixNano(), 10), '"')
		b = append(append(b, `,"status":`...), events.Encode(status)...)
		b = append(append(append(b, `,"http_result":`...), result...), '}')
	}
	return append(b, "]}"...), nil
}
