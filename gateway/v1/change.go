package v1

import (
	"net/http"

	"spool.internal/events"
	"spool.internal/gateway/change"
	"spool.internal/gateway/wire"
)

func (a *API) enableJob(w http.ResponseWriter, r *http.Request) error {
	id, err := readJobID(r)
	if err != nil {
		return err
	}
	if _, err := a.Changes.Enable(r.Context(), a.Caller(r), id); err != nil {
		return err
	}
	wire.Write(w, http.StatusOK, struct {
		Status      events.Status `json:"status"`
		EnabledJobs string        `json:"enabled_jobs"`
	}{events.OK, id})
	return nil
}

func (a *API) disableJob(w http.ResponseWriter, r *http.Request) error {
	id, err := readJobID(r)
	if err != nil {
		return err
	}
	if _, err := a.Changes.Disable(r.Context(), a.Caller(r), id, change.Terms{}); err != nil {
		return err
	}
	wire.Write(w, http.StatusOK, struct {
		Status       events.Status `json:"status"`
		DisabledJobs string        `json:"disabled_jobs"`
	}{events.OK, id})
	return nil
}

func (a *API) triggerJob(w http.ResponseWriter, r *http.Request) error {
	id, err := readJobID(r)
	if err != nil {
		return err
	}
	if _, err := a.Changes.Trigger(r.Context(), a.Caller(r), id, "", nil); err != nil {
		return err
	}
	wire.Write(w, http.StatusOK, struct {
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
	id, err := jobIDOf(o)
	if err == nil && id == "" {
		err = events.Faultf(events.Invalid, "job_id", "is required")
	}
	return id, err
}
