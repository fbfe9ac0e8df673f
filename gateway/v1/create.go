package v1

import (
	"net/http"

	"spool.internal/events"
	"spool.internal/gateway/change"
)

func (a *API) createJob(w http.ResponseWriter, r *http.Request) error {
	body, err := change.Body(r)
	if err != nil {
		return err
	}
	o, p, err := decodeCreate(body)
	if err != nil {
		return err
	}
	rev, err := a.Changes.Create(r.Context(), a.who(r), o, p)
	if err != nil {
		return err
	}
	id := rev.Event.Job.ID
	for _, warning := range warnings(p.Unknown) {
		w.Header().Add("Spool-Warning", warning)
		a.Log.Warn("a job has a key that means nothing", "job_id", id, "warning", warning)
	}
	write(w, http.StatusOK, struct {
		Status events.Status `json:"status"`
		JobID  string        `json:"job_id"`
	}{events.OK, id})
	return nil
}

// decodeCreate takes a create body apart and checks it. Every fault is an
// [events.Error] of code Invalid.
func decodeCreate(body []byte) (events.Object, *events.Parameters, error) {
	o, err := events.ParseObject(body)
	if err != nil {
		return nil, nil, err
	}
	p, err := change.ReadNew(o)
	return o, p, err
}
