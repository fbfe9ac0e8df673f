package jet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"spool.internal/events"
)

// Limits of a subscriber's consumer.
const (
	subscriberAckWait  = 30 * time.Second
	subscriberPending  = 1000                // messages that it may hold without an ack
	subscriberPulls    = 64                  // pulls that may wait at once
	subscriberBatch    = 1000                // messages that one pull may ask for
	subscriberPull     = 50 * time.Second    // how long one pull may wait
	subscriberInactive = 90 * 24 * time.Hour // after which its place is forgotten
)

// AskTrigger is where a subscriber that may trigger asks for runs.
const AskTrigger = askTriggerPrefix

// AskedBy is where the request of one subscriber arrives.
func AskedBy(name string) string { return askTriggerSubject(name) }

// EndsIn is the filter that lets a subscriber to the runs see their ends alone; empty
// for other streams.
func EndsIn(stream string) string {
	if stream != streamRunEvents {
		return ""
	}
	return runsFilter(events.Ended, "")
}

// SubscriberChanges are the subscribers as they are stored, by name.
func (b *Bus) SubscriberChanges() View[events.Subscriber] {
	return view[events.Subscriber](b, streamSubscribers, allSubscribersFilter)
}

// Subscribers lists all subscribers, also those that are revoked or have expired.
func (b *Bus) Subscribers(ctx context.Context) ([]events.Subscriber, error) {
	var all []events.Subscriber
	err := b.since(ctx, streamSubscribers, allSubscribersFilter, time.Time{}, func(m Stored) bool {
		s, err := decode[events.Subscriber](m)
		if err != nil {
			b.log.Error("a subscriber cannot be read", "error", err.Error())
			return true
		}
		all = append(all, s)
		return true
	})
	return all, err
}

// Subscriber reads one, and the sequence to expect in PutSubscriber: 0 is none.
func (b *Bus) Subscriber(ctx context.Context, name string) (events.Subscriber, uint64, error) {
	m, found, err := b.last(ctx, streamSubscribers, subscriberSubject(name))
	if err != nil || !found {
		return events.Subscriber{}, 0, err
	}
	s, err := decode[events.Subscriber](m)
	return s, m.Sequence, err
}

// PutSubscriber stores a subscriber, or that it is revoked, in place of what stood at
// a sequence. It is [IsConflict] when somebody was first.
func (b *Bus) PutSubscriber(ctx context.Context, s events.Subscriber, expect uint64) (uint64, error) {
	return b.commit(ctx, streamSubscribers, message{
		Subject: subscriberSubject(s.Name), Data: body(s), Expect: &expect,
	})
}

// OpenSubscriber makes the consumer of a subscriber, or brings it up to date. A new
// one begins with the oldest event that is kept.
func (b *Bus) OpenSubscriber(ctx context.Context, s events.Subscriber) error {
	cfg := jetstream.ConsumerConfig{
		Durable: s.Consumer(), FilterSubject: s.Filter, AckPolicy: jetstream.AckExplicitPolicy, AckWait: subscriberAckWait,
		MaxAckPending: subscriberPending, MaxWaiting: subscriberPulls, MaxRequestBatch: subscriberBatch,
		MaxRequestExpires: subscriberPull, InactiveThreshold: subscriberInactive,
	}
	err := b.tries(ctx, s.Stream, questionAlone, func(ctx context.Context) error {
		_, err := b.js.CreateOrUpdateConsumer(ctx, s.Stream, cfg)
		return err
	})
	if err != nil {
		return fmt.Errorf("consumer %s of %s: %w", s.Consumer(), s.Stream, err)
	}
	return nil
}

// CloseSubscriber deletes the consumer of a subscriber, if it is there.
func (b *Bus) CloseSubscriber(ctx context.Context, s events.Subscriber) error {
	err := b.tries(ctx, s.Stream, questionAlone, func(ctx context.Context) error { return b.js.DeleteConsumer(ctx, s.Stream, s.Consumer()) })
	if err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
		return fmt.Errorf("consumer %s of %s: %w", s.Consumer(), s.Stream, err)
	}
	return nil
}

// SubscriberMade is the broker's answer about a subscriber.
type SubscriberMade struct {
	Subscriber  events.Subscriber `json:"subscriber"`
	Credentials string            `json:"credentials,omitempty"` // in the standard form; told once, stored nowhere
	Fault       *events.Error     `json:"fault,omitempty"`
}

// MakeSubscriber has the broker make a subscriber, and gives its credentials.
func (b *Bus) MakeSubscriber(ctx context.Context, s events.Subscriber) (SubscriberMade, error) {
	return b.askBroker(ctx, askSubscriberSubject, s)
}

// RevokeSubscriber has the broker end a subscriber: it is cut off when this returns.
func (b *Bus) RevokeSubscriber(ctx context.Context, name, by string) error {
	_, err := b.askBroker(ctx, revokeSubscriberSubject, events.Subscriber{Name: name, By: by})
	return err
}

func (b *Bus) askBroker(ctx context.Context, subject string, s events.Subscriber) (made SubscriberMade, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	answer, err := b.request(ctx, &nats.Msg{Subject: subject, Data: body(s)})
	if err != nil {
		return made, fmt.Errorf("ask the broker: %w", b.fault("", err))
	}
	if err := json.Unmarshal(answer.Data, &made); err != nil {
		return made, fmt.Errorf("ask the broker: %w", err)
	}
	if made.Fault != nil {
		return made, made.Fault
	}
	return made, nil
}

// AnswerSubscribers answers what gateways ask, one after the other, as long as the
// connection is there.
func (b *Bus) AnswerSubscribers(create, revoke func(context.Context, events.Subscriber) (SubscriberMade, error)) error {
	answer := func(f func(context.Context, events.Subscriber) (SubscriberMade, error)) nats.MsgHandler {
		return func(m *nats.Msg) {
			ctx, cancel := context.WithTimeout(context.Background(), 9*time.Second)
			defer cancel()
			var s events.Subscriber
			made, err := SubscriberMade{}, json.Unmarshal(m.Data, &s)
			if err == nil {
				made, err = f(ctx, s)
			}
			if err != nil {
				made = SubscriberMade{Fault: faultOf(err)}
				b.log.Warn("a subscriber is refused", "name", s.Name, "error", err.Error())
			}
			_ = m.Respond(body(made)) // who asked has gone: nobody to be told
		}
	}
	for subject, f := range map[string]func(context.Context, events.Subscriber) (SubscriberMade, error){
		askSubscriberSubject: create, revokeSubscriberSubject: revoke,
	} {
		if _, err := b.nc.QueueSubscribe(subject, "broker", answer(f)); err != nil {
			return fmt.Errorf("answer about subscribers: %w", err)
		}
	}
	return b.nc.Flush()
}

// faultOf is what may be shown of an error; the rest of it is in the log.
func faultOf(err error) *events.Error {
	if fault, ok := errors.AsType[*events.Error](err); ok {
		return fault
	}
	return events.Faultf(events.Unavailable, "", "the broker cannot do this now: see its log")
}
