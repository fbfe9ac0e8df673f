package broker

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// answersRuns has a runner over TCP answer for a data folder until stop.
func answersRuns(t *testing.T, b *Broker, dir, id string) (stop func()) {
	t.Helper()
	bus, err := jet.Connect(t.Context(), jet.Options{
		URL: "nats://" + b.Addr(), Creds: dir + "/" + Runner.Creds(), Name: string(Runner), Log: b.cfg.Log,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- bus.AnswerRuns(ctx, id, "default", jet.RunAnswers{
			Log: func(_ context.Context, q events.LogAsk) (events.LogPart, []byte, error) {
				if q.FlowJobID == "none" {
					return events.LogPart{}, nil, events.Faultf(events.NotFound, "trigger_id", "no log of %s", q.FlowJobID)
				}
				return events.LogPart{Offset: q.Offset, Size: 7}, bytes.Repeat([]byte("x"), events.MaxPart), nil
			},
			Output: func(context.Context, events.OutputAsk) (events.OutputPart, []byte, error) {
				return events.OutputPart{More: true}, nil, nil
			},
			Cancel: func(_ context.Context, q events.CancelAsk) (events.CancelPart, error) {
				return events.CancelPart{Last: events.RunEvent{FlowJobID: q.FlowJobID, Message: q.By}}, nil
			},
		})
	}()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("answer: %v", err)
		}
		_ = bus.Close(context.Background())
	}
}

// A gateway asks the runner that has a run, each in an account of its own; when that is
// away it is told so, soon.
func TestGatewaysAskRunners(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := start(t, dir, "127.0.0.1:0")
	bus := office(t, b, dir)
	stop := answersRuns(t, b, dir, "one")
	part, data, err := jetUntil(t, func() (events.LogPart, []byte, error) {
		return bus.AskLog(t.Context(), "one", events.LogAsk{FlowJobID: "r", Offset: 3})
	})
	if err != nil || part.Offset != 3 || part.Size != 7 || len(data) != events.MaxPart {
		t.Errorf("a part of a log: %+v, %d bytes, %v", part, len(data), err)
	}
	if _, _, err := bus.AskLog(t.Context(), "one", events.LogAsk{FlowJobID: "none"}); events.CodeOf(err) != events.NotFound || err.Error() != "trigger_id: no log of none" {
		t.Errorf("a fault comes as %v", err)
	}
	if part, _, err := bus.AskOutput(t.Context(), "one", events.OutputAsk{}); err != nil || !part.More {
		t.Errorf("outputs: %+v, %v", part, err)
	}
	for _, runner := range []string{"one", ""} {
		if part, err := bus.AskCancel(t.Context(), runner, "default", events.CancelAsk{FlowJobID: "r", By: "ann"}); err != nil || part.Last.Message != "ann" {
			t.Errorf("cancel at %q: %+v, %v", runner, part, err)
		}
	}
	if _, _, err := bus.AskLog(t.Context(), "two", events.LogAsk{}); !errors.Is(err, jet.ErrRunnerAway) {
		t.Errorf("another runner: %v", err)
	}
	stop()
	began := time.Now()
	if _, _, err := bus.AskLog(t.Context(), "one", events.LogAsk{}); !errors.Is(err, jet.ErrRunnerAway) {
		t.Errorf("a runner that has gone: %v", err)
	}
	t.Logf("that nobody is there is known after %s", time.Since(began))
}

// jetUntil asks until somebody listens.
func jetUntil[A any](t *testing.T, ask func() (A, []byte, error)) (A, []byte, error) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		part, data, err := ask()
		if !errors.Is(err, jet.ErrRunnerAway) || time.Now().After(deadline) {
			return part, data, err
		}
	}
}

// Nobody but a gateway asks runners, and nobody but a runner hears it.
func TestOnlyGatewaysAskRunners(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := start(t, dir, "127.0.0.1:0")
	made, err := office(t, b, dir).MakeSubscriber(t.Context(), events.Subscriber{Name: "nosy", Stream: streamRunEvents, Trigger: true})
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan string, 100)
	nosy, err := reader(t, b, made.Credentials, nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { told <- err.Error() }))
	if err != nil {
		t.Fatal(err)
	}
	denied := func(who, subject string, from chan string) {
		t.Helper()
		for {
			select {
			case text := <-from:
				if strings.Contains(text, `"`+subject+`"`) {
					return
				}
			case <-time.After(30 * time.Second):
				t.Fatalf("%s is not told that %s is denied", who, subject)
			}
		}
	}
	subjects := []string{"spool.log.one", "spool.output.one", "spool.cancel.one", "spool.cancel.pool_default"}
	for _, subject := range subjects {
		_ = nosy.PublishRequest(subject, "_INBOX.x", []byte("{}"))
		denied("a subscriber", subject, told)
		if _, err := nosy.SubscribeSync(subject); err != nil {
			t.Fatal(err)
		}
		denied("a subscriber", subject, told)
	}
	for _, role := range Roles() {
		o := join(t, b, dir, role)
		for _, subject := range subjects {
			if role != Gateway {
				_ = o.PublishRequest(subject, "_INBOX."+string(role)+".x", []byte("{}"))
				denied(string(role), subject, o.denied)
			}
			if role != Runner {
				if _, err := o.SubscribeSync(subject); err != nil {
					t.Fatal(err)
				}
				denied(string(role), subject, o.denied)
			}
		}
		if may := slices.Contains([]Role{Gateway, Runner}, role); !may && len(rightsOf(role).Answer)+len(rightsOf(role).AskOf) > 0 {
			t.Errorf("%s has a right to ask or to answer", role)
		}
	}
}
