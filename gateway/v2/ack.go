package v2

import (
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gorilla/mux"

	"spool.internal/events"
	"spool.internal/gateway/wire"
)

// Acked is who has acknowledged a failure.
type Acked struct {
	By   string    `json:"by"`
	At   time.Time `json:"at"`
	Note string    `json:"note,omitzero"`
}

// acknowledge notes that somebody has seen a failure: its job is no longer failing for it.
func (a *API) acknowledge(w http.ResponseWriter, r *http.Request) error {
	note, err := readNote(r)
	if err != nil {
		return err
	}
	s, err := a.story(r.Context(), a.Caller(r), mux.Vars(r)["trigger_id"])
	if err != nil {
		return err
	}
	if outcome := s.outcome(); !outcome.Acknowledgeable() {
		return wire.Refuse(http.StatusConflict, events.Conflict, "trigger_id", "is %s: there is no failure to acknowledge", outcome)
	}
	s.ack = &events.Ack{JobID: s.job.ID, TriggerID: s.id, Ended: s.ended(), By: a.Caller(r).Owner, At: time.Now().UTC(), Note: note}
	if err := a.putAck(r, *s.ack); err != nil {
		return err
	}
	return a.writeStory(w, http.StatusOK, s)
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
		note = strings.TrimSpace(in.Text("note"))
	}
	if in.Err() == nil && utf8.RuneCountInString(note) > events.MaxNote {
		return "", events.Faultf(events.Invalid, "note", "is longer than %d characters", events.MaxNote)
	}
	return note, in.Err()
}

func (a *API) putAck(r *http.Request, ack events.Ack) error {
	if err := a.Bus.PutAck(r.Context(), ack); err != nil {
		return err
	}
	stored, _, err := a.Bus.Ack(ack.JobID, ack.TriggerID).Last(r.Context())
	if err != nil {
		return err
	}
	a.Index.Acknowledge(ack.JobID, ack.TriggerID, stored.Time, !ack.Withdrawn) // other gateways hear of it
	a.Log.Info("a failure is acknowledged", "job_id", ack.JobID, "trigger_id", ack.TriggerID, "user", ack.By, "withdrawn", ack.Withdrawn)
	return nil
}

// unacknowledge takes an acknowledgement back.
func (a *API) unacknowledge(w http.ResponseWriter, r *http.Request) error {
	if err := wire.ReadNothing(r); err != nil {
		return err
	}
	s, err := a.story(r.Context(), a.Caller(r), mux.Vars(r)["trigger_id"])
	if err != nil {
		return err
	}
	if s.ack != nil && !s.ack.Withdrawn {
		back := *s.ack
		back.By, back.At, back.Note, back.Withdrawn = a.Caller(r).Owner, time.Now().UTC(), "", true
		if err := a.putAck(r, back); err != nil {
			return err
		}
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
