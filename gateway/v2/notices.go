package v2

import (
	"context"
	"net/http"
	"time"

	"spool.internal/events"
	"spool.internal/gateway/change"
	"spool.internal/gateway/wire"
)

// RetriedNotices is which notices of a run are sent again.
type RetriedNotices struct {
	TriggerID string           `json:"trigger_id"`
	Retried   []events.Channel `json:"retried"`
}

// RetryNotices has the notices of a run sent again that were given up. A heartbeat is not
// among them: it would say that the job is well now.
func (a *API) RetryNotices(ctx context.Context, who change.Caller, triggerID string) (RetriedNotices, error) {
	none := RetriedNotices{}
	s, err := a.story(ctx, who, triggerID)
	if err == nil {
		err = who.Reaches(s.job)
	}
	if err != nil {
		return none, err
	}
	retried := []events.Channel{}
	pending := false
	for _, n := range s.notices() {
		pending = pending || n.State == noticeAgain
		if n.State != noticeLost || n.Channel == events.ChannelHeartbeat {
			continue
		}
		again := events.NoticeAgain{JobID: s.job.ID, FlowJobID: s.flow, Channel: n.Channel, By: who.Owner, At: time.Now().UTC()}
		if err := a.Bus.PutNoticeAgain(ctx, again); err != nil {
			return none, err
		}
		retried = append(retried, n.Channel)
	}
	switch {
	case len(retried) == 0 && pending:
		return none, wire.Refuse(http.StatusConflict, events.Conflict, "trigger_id", "its notices are being sent again already")
	case len(retried) == 0:
		return none, wire.Refuse(http.StatusConflict, events.Conflict, "trigger_id", "no notice of this run was given up that could be sent again")
	}
	a.Log.Info("notices are sent again", "job_id", s.job.ID, "trigger_id", s.id, "user", who.Owner)
	return RetriedNotices{s.id, retried}, nil
}

func (a *API) retryNotices(w http.ResponseWriter, r *http.Request) error {
	if err := wire.ReadNothing(r); err != nil {
		return err
	}
	retried, err := a.RetryNotices(r.Context(), a.Caller(r), triggerID(r))
	if err != nil {
		return err
	}
	wire.Write(w, http.StatusAccepted, retried)
	return nil
}
