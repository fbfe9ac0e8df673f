package v2

import (
	"errors"
	"net/http"
	"time"

	"github.com/gorilla/mux"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/gateway/wire"
)

// subscriber is a program that reacts to events, without its credentials.
type subscriber struct {
	Name     string    `json:"name"`
	Stream   string    `json:"stream"`
	Consumer string    `json:"consumer"`
	JobID    string    `json:"job_id,omitempty"`
	Filter   string    `json:"filter"`
	Trigger  bool      `json:"may_trigger"`
	By       string    `json:"by"`
	State    string    `json:"state"`
	Created  time.Time `json:"created"`
	Expires  time.Time `json:"expires,omitzero"`
	Revoked  time.Time `json:"revoked,omitzero"`
}

func showSubscriber(s events.Subscriber, now time.Time) subscriber {
	state := "active"
	switch {
	case !s.Revoked.IsZero():
		state = "revoked"
	case !s.Open(now):
		state = "expired"
	}
	return subscriber{s.Name, s.Stream, s.Consumer(), s.JobID, s.Filter, s.Trigger, s.By, state, s.Created, s.Expires, s.Revoked}
}

func (a *API) listSubscribers(w http.ResponseWriter, r *http.Request) error {
	if q := wire.ReadQuery(r); q.Err() != nil {
		return q.Err()
	}
	all, err := a.Bus.Subscribers(r.Context())
	if err != nil {
		return err
	}
	now, shown := time.Now(), []subscriber{}
	for _, s := range all {
		shown = append(shown, showSubscriber(s, now))
	}
	wire.Write(w, http.StatusOK, struct {
		Subscribers []subscriber `json:"subscribers"`
	}{shown})
	return nil
}

func (a *API) createSubscriber(w http.ResponseWriter, r *http.Request) error {
	in, err := wire.ReadFields(r, "name", "stream", "job_id", "filter", "expires", "may_trigger")
	if err != nil {
		return err
	}
	by, now, ends := a.Caller(r).Owner, time.Now(), in.Text("expires")
	ask := events.Subscriber{
		Name: in.Text("name"), Stream: in.Text("stream"), JobID: in.Text("job_id"), Filter: in.Text("filter"), By: by, Trigger: in.Flag("may_trigger"),
	}
	if in.Err() != nil {
		return in.Err()
	}
	if ask.Expires, err = expiry(ends, now); err != nil {
		return err
	}
	ask, err = jet.NewSubscriber(ask)
	if err != nil {
		return err
	}
	if ask.JobID != "" {
		if _, err := a.Bus.Job(r.Context(), ask.JobID); err != nil {
			return err
		}
	}
	made, err := a.Bus.MakeSubscriber(r.Context(), ask)
	if err != nil {
		return withoutBroker(ask, err)
	}
	a.Log.Info("subscriber created", "subscriber", ask.Name, "stream", ask.Stream, "filter", ask.Filter, "may_trigger", ask.Trigger, "user", by)
	wire.Write(w, http.StatusCreated, struct {
		subscriber
		Credentials string `json:"credentials"` // shown here and never again
	}{showSubscriber(made.Subscriber, now), made.Credentials})
	return nil
}

// withoutBroker says what to do on a NATS where no broker of Spool makes credentials.
func withoutBroker(s events.Subscriber, err error) error {
	if fault, ok := errors.AsType[*events.Error](err); !ok || fault.Code != events.Unavailable {
		return err
	}
	at := s.Stream + "." + s.Consumer()
	return events.Faultf(events.Unavailable, "", "no broker of Spool answers now: try again; on a NATS of your own make the durable pull consumer %s of %s "+
		"with the filter %s, and a user that may publish to $JS.API.CONSUMER.MSG.NEXT.%s, $JS.API.CONSUMER.INFO.%s and $JS.ACK.%s.> and subscribe to an inbox of its own",
		s.Consumer(), s.Stream, s.Filter, at, at, at)
}

func (a *API) revokeSubscriber(w http.ResponseWriter, r *http.Request) error {
	if err := wire.ReadNothing(r); err != nil {
		return err
	}
	name, by := mux.Vars(r)["name"], a.Caller(r).Owner
	if err := a.Bus.RevokeSubscriber(r.Context(), name, by); err != nil {
		return err
	}
	a.Log.Info("subscriber revoked", "subscriber", name, "user", by)
	w.WriteHeader(http.StatusNoContent)
	return nil
}
