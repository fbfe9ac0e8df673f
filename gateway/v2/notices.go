package v2

import (
	"net/http"
	"time"

	"github.com/gorilla/mux"

	"spool.internal/events"
	"spool.internal/gateway/wire"
)

// retryNotices has the notices of a run sent again that were given up. A heartbeat is not
// among them: it would say that the job is well now.
func (a *API) retryNotices(w http.ResponseWriter, r *http.Request) error {
	if err := wire.ReadNothing(r); err != nil {
		return err
	}
	s, err := a.story(r.Context(), a.Caller(r), mux.Vars(r)["trigger_id"])
	if err != nil {
		return err
	}
	if err := a.Caller(r).Reaches(s.job); err != nil {
		return err
	}
	retried := []events.Channel{}
	pending := false
	for _, n := range s.notices() {
		pending = pending || n.State == noticeAgain
		if n.State != noticeLost || n.Channel == events.ChannelHeartbeat {
			continue
		}
		again := events.NoticeAgain{JobID: s.job.ID, FlowJobID: s.flow, Channel: n.Channel, By: a.Caller(r).Owner, At: time.Now().UTC()}
		if err := a.Bus.PutNoticeAgain(r.Context(), again); err != nil {
			return err
		}
		retried = append(retried, n.Channel)
	}
	switch {
	case len(retried) == 0 && pending:
		return wire.Refuse(http.StatusConflict, events.Conflict, "trigger_id", "its notices are being sent again already")
	case len(retried) == 0:
		return wire.Refuse(http.StatusConflict, events.Conflict, "trigger_id", "no notice of this run was given up that could be sent again")
	}
	a.Log.Info("notices are sent again", "job_id", s.job.ID, "trigger_id", s.id, "user", a.Caller(r).Owner)
	wire.Write(w, http.StatusAccepted, struct {
		TriggerID string           `json:"trigger_id"`
		Retried   []events.Channel `json:"retried"`
	}{s.id, retried})
	return nil
}
