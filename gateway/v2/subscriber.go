package v2

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/gorilla/mux"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/gateway/change"
	"spool.internal/gateway/wire"
)

// Subscriber is a program that reacts to events, without its credentials.
type Subscriber struct {
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

func showSubscriber(s events.Subscriber, now time.Time) Subscriber {
	state := "active"
	switch {
	case !s.Revoked.IsZero():
		state = "revoked"
	case !s.Open(now):
		state = "expired"
	}
	return Subscriber{s.Name, s.Stream, s.Consumer(), s.JobID, s.Filter, s.Trigger, s.By, state, s.Created, s.Expires, s.Revoked}
}

// SubscriberList is all subscribers.
type SubscriberList struct {
	Subscribers []Subscriber `json:"subscribers"`
}

func (a *API) listSubscribers(w http.ResponseWriter, r *http.Request) error {
	if q := wire.ReadQuery(r); q.Err() != nil {
		return q.Err()
	}
	list, err := a.ListSubscribers(r.Context())
	if err == nil {
		wire.Write(w, http.StatusOK, list)
	}
	return err
}

// ListSubscribers lists the subscribers.
func (a *API) ListSubscribers(ctx context.Context) (SubscriberList, error) {
	all, err := a.Bus.Subscribers(ctx)
	now, list := time.Now(), SubscriberList{[]Subscriber{}}
	for _, s := range all {
		list.Subscribers = append(list.Subscribers, showSubscriber(s, now))
	}
	return list, err
}

// SubscriberRequest asks for a subscriber.
type SubscriberRequest struct {
	Name    string
	Stream  string
	JobID   string // "" = of all jobs
	Filter  string // "" = everything
	Expires string // a time, or how long from now; "" is never
	Trigger bool   // it may ask for runs
}

// NewSubscriber is a subscriber that was made, with its credentials, which are shown then
// and never again.
type NewSubscriber struct {
	Subscriber
	Credentials string `json:"credentials"`
}

func (a *API) createSubscriber(w http.ResponseWriter, r *http.Request) error {
	in, err := wire.ReadFields(r, "name", "stream", "job_id", "filter", "expires", "may_trigger")
	if err != nil {
		return err
	}
	ask := SubscriberRequest{
		Name: in.Text("name"), Stream: in.Text("stream"), JobID: in.Text("job_id"), Filter: in.Text("filter"),
		Expires: in.Text("expires"), Trigger: in.Flag("may_trigger"),
	}
	if in.Err() != nil {
		return in.Err()
	}
	made, err := a.CreateSubscriber(r.Context(), a.Caller(r), ask)
	if err == nil {
		wire.Write(w, http.StatusCreated, made)
	}
	return err
}

// CreateSubscriber makes a subscriber.
func (a *API) CreateSubscriber(ctx context.Context, who change.Caller, ask SubscriberRequest) (made NewSubscriber, err error) {
	now := time.Now()
	s := events.Subscriber{Name: ask.Name, Stream: ask.Stream, JobID: ask.JobID, Filter: ask.Filter, By: who.Owner, Trigger: ask.Trigger}
	if s.Expires, err = expiry(ask.Expires, now); err != nil {
		return made, err
	}
	if s, err = jet.NewSubscriber(s); err != nil {
		return made, err
	}
	if s.JobID != "" {
		if _, err := a.Bus.Job(ctx, s.JobID); err != nil {
			return made, err
		}
	}
	stored, err := a.Bus.MakeSubscriber(ctx, s)
	if err != nil {
		return made, withoutBroker(s, err)
	}
	a.Log.Info("subscriber created", "subscriber", s.Name, "stream", s.Stream, "filter", s.Filter, "may_trigger", s.Trigger, "user", who.Owner)
	return NewSubscriber{showSubscriber(stored.Subscriber, now), stored.Credentials}, nil
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
	if err := a.RevokeSubscriber(r.Context(), a.Caller(r), mux.Vars(r)["name"]); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// RevokeSubscriber takes the credentials of a subscriber from it.
func (a *API) RevokeSubscriber(ctx context.Context, who change.Caller, name string) error {
	if err := a.Bus.RevokeSubscriber(ctx, name, who.Owner); err != nil {
		return err
	}
	a.Log.Info("subscriber revoked", "subscriber", name, "user", who.Owner)
	return nil
}
