package v1

import (
	"net/http"
	"strconv"

	"spool.internal/events"
	"spool.internal/events/schedule"
	"spool.internal/gateway/wire"
)

func (a *API) createJob(w http.ResponseWriter, r *http.Request) error {
	body, err := wire.Body(r)
	if err != nil {
		return err
	}
	o, err := events.ParseObject(body)
	if err != nil {
		return err
	}
	draft, err := a.Changes.Draft(r.Context(), a.Caller(r), o)
	if err != nil {
		return err
	}
	if err := atTimesOnly(draft.Parameters); err != nil {
		return err
	}
	rev, err := a.Changes.Create(r.Context(), a.Caller(r), draft)
	if err != nil {
		return err
	}
	id := rev.Event.Job.ID
	for _, warning := range warnings(draft.Parameters.Unknown) {
		w.Header().Add("Spool-Warning", warning)
		a.Log.Warn("a job has a key that means nothing", "job_id", id, "warning", warning)
	}
	if a.Elsewhere != nil {
		for _, warning := range a.Elsewhere(r.Context(), draft.Parameters) {
			w.Header().Add("Spool-Warning", strconv.QuoteToASCII(warning))
		}
	}
	wire.Write(w, http.StatusOK, struct {
		Status events.Status `json:"status"`
		JobID  string        `json:"job_id"`
	}{events.OK, id})
	return nil
}

// atTimesOnly refuses @reboot, which the seed's grammar has not: see [schedule.Reboot].
func atTimesOnly(p *events.Parameters) error {
	if p.Spooled || !schedule.IsReboot(p.Schedule) {
		return nil
	}
	_, err := schedule.Parse(p.Schedule, nil)
	return events.Faultf(events.Invalid, "schedule", "%s", err.Error())
}
