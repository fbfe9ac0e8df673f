package v2

import (
	"context"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"spool.internal/events"
	"spool.internal/gateway/change"
	"spool.internal/gateway/wire"
)

// Acked is who has acknowledged a failure.
type Acked struct {
	By   string    `json:"by"`
	At   time.Time `json:"at"`
	Note string    `json:"note,omitzero"`
}

// Acknowledge notes that somebody has seen a failure: its job is no longer failing for it.
func (a *API) Acknowledge(ctx context.Context, who change.Caller, triggerID, note string) (Execution, error) {
	if note = strings.TrimSpace(note); utf8.RuneCountInString(note) > events.MaxNote {
		return Execution{}, events.Faultf(events.Invalid, "note", "is longer than %d characters", events.MaxNote)
	}
	s, err := a.story(ctx, who, triggerID)
	if err != nil {
		return Execution{}, err
	}
	if outcome := s.outcome(); !outcome.Acknowledgeable() {
		return Execution{}, wire.Refuse(http.StatusConflict, events.Conflict, "trigger_id", "is %s: there is no failure to acknowledge", outcome)
	}
	s.ack = &events.Ack{JobID: s.job.ID, TriggerID: s.id, Ended: s.ended(), By: who.Owner, At: time.Now().UTC(), Note: note}
	if err := a.putAck(ctx, *s.ack); err != nil {
		return Execution{}, err
	}
	return s.show(), nil
}

func (a *API) acknowledge(w http.ResponseWriter, r *http.Request) error {
	note, err := readNote(r)
	if err != nil {
		return err
	}
	x, err := a.Acknowledge(r.Context(), a.Caller(r), triggerID(r), note)
	if err != nil {
		return err
	}
	wire.Write(w, http.StatusOK, x)
	return nil
}

// readNote reads the note of an acknowledgement; the body may be left out.
func readNote(r *http.Request) (string, error) {
	body, err := wire.Body(r)
	if err != nil || len(strings.TrimSpace(string(body))) == 0 {
		return "", err
	}
	in, err := wire.FieldsOf(body, "note")
	if err != nil {
		return "", err
	}
	note := ""
	if in.Given("note") {
		note = in.Text("note")
	}
	return note, in.Err()
}

func (a *API) putAck(ctx context.Context, ack events.Ack) error {
	if err := a.Bus.PutAck(ctx, ack); err != nil {
		return err
	}
	stored, _, err := a.Bus.Ack(ack.JobID, ack.TriggerID).Last(ctx)
	if err != nil {
		return err
	}
	a.Index.Acknowledge(ack.JobID, ack.TriggerID, stored.Time, !ack.Withdrawn) // other gateways hear of it
	a.Log.Info("a failure is acknowledged", "job_id", ack.JobID, "trigger_id", ack.TriggerID, "user", ack.By, "withdrawn", ack.Withdrawn)
	return nil
}

// Unacknowledge takes an acknowledgement back.
func (a *API) Unacknowledge(ctx context.Context, who change.Caller, triggerID string) error {
	s, err := a.story(ctx, who, triggerID)
	if err != nil || s.ack == nil || s.ack.Withdrawn {
		return err
	}
	back := *s.ack
	back.By, back.At, back.Note, back.Withdrawn = who.Owner, time.Now().UTC(), "", true
	return a.putAck(ctx, back)
}

func (a *API) unacknowledge(w http.ResponseWriter, r *http.Request) error {
	err := wire.ReadNothing(r)
	if err == nil {
		err = a.Unacknowledge(r.Context(), a.Caller(r), triggerID(r))
	}
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}
