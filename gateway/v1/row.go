package v1

import (
	"context"
	"encoding/json"

	"spool.internal/events"
)

// resultsShown is how many executions of a job are listed.
const resultsShown = 10

// job is a job as the API shows it, key for key.
type job struct {
	ID          string           `json:"job_id"`
	Username    string           `json:"username"`
	Status      events.JobStatus `json:"status"`
	Name        string           `json:"name"`
	CreatedOnNS int64            `json:"created_on_ns,string"`
	Parameters  json.RawMessage  `json:"job_parameters"`
	Results     []result         `json:"results"`
}

// result is one execution as the API shows it.
type result struct {
	TimeInNS int64             `json:"timeInNS,string"` // end of the run-binary call
	Status   events.Status     `json:"status"`
	HTTP     events.HTTPResult `json:"http_result"`
}

func (a *API) row(ctx context.Context, j events.Job) ([]byte, error) {
	latest, err := a.Results.Latest(ctx, j.ID, resultsShown)
	if err != nil {
		return nil, err
	}
	shown := job{j.ID, j.Username, j.Status, j.Name, j.CreatedOnNS, j.Parameters, make([]result, len(latest))}
	for i, r := range latest {
		if r.HTTP.Headers == nil {
			r.HTTP.Headers = []events.Header{}
		}
		shown.Results[i] = result{r.EndedNS, r.Status, r.HTTP}
	}
	return events.Encode(shown), nil
}
