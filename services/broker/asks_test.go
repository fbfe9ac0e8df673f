package broker

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// answering has a gateway over TCP say who asked it for what.
func answering(t *testing.T, b *Broker, dir string) {
	t.Helper()
	bus := office(t, b, dir)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- bus.AnswerTriggers(ctx, func(_ context.Context, name string, body []byte) (int, []byte) {
			if string(body) == "no" {
				return 403, []byte("not " + name)
			}
			return 202, []byte(name + " asked " + string(body))
		})
	}()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("answer: %v", err)
		}
	})
}

// A subscriber that may trigger asks gateways under its own name, and under no other;
// one that may not is told so, and one that is revoked is cut off.
func TestSubscribersAsk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := start(t, dir, "127.0.0.1:0")
	bus := office(t, b, dir)
	answering(t, b, dir)
	denied := make(chan string, 1000)
	join := func(name string, may bool) *nats.Conn {
		t.Helper()
		made, err := bus.MakeSubscriber(t.Context(), events.Subscriber{Name: name, Stream: streamRunEvents, Trigger: may})
		if err != nil {
			t.Fatal(err)
		}
		nc, err := reader(t, b, made.Credentials, nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { denied <- name + " " + err.Error() }))
		if err != nil {
			t.Fatal(err)
		}
		return nc
	}
	a, other, mute := join("a", true), join("b", true), join("mute", false)
	ask := func(nc *nats.Conn, body, want string) *nats.Msg {
		t.Helper()
		var m *nats.Msg
		var err error
		for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); { // until the gateway listens
			if m, err = nc.Request(jet.AskTrigger, []byte(body), 5*time.Second); !errors.Is(err, nats.ErrNoResponders) && !errors.Is(err, nats.ErrTimeout) {
				break
			}
		}
		if err != nil || string(m.Data) != want {
			t.Fatalf("answer %v, %v; want %s", m, err, want)
		}
		return m
	}
	ask(a, "1", "a asked 1")
	ask(other, "2", "b asked 2")
	if m := ask(other, "no", "not b"); m.Header.Get("Nats-Service-Error-Code") != "403" {
		t.Errorf("the headers of a fault are %v", m.Header)
	}
	wait := func(who, subject string) {
		t.Helper()
		for {
			select {
			case text := <-denied:
				if strings.HasPrefix(text, who+" ") && strings.Contains(text, subject) {
					return
				}
			case <-time.After(30 * time.Second):
				t.Fatalf("%s is not told that %s is denied", who, subject)
			}
		}
	}
	_ = mute.PublishRequest(jet.AskTrigger, "_INBOX.x", []byte("3"))
	wait("mute", `"`+jet.AskTrigger+`"`)
	for _, subject := range []string{jet.AskedBy("b"), jet.AskedBy("a"), triggerSubject(events.KindManual, "j")} {
		_ = a.PublishRequest(subject, "_INBOX.x", []byte("4"))
		wait("a", `"`+subject+`"`)
	}
	if _, err := a.SubscribeSync(askTriggers); err != nil {
		t.Fatal(err)
	}
	wait("a", `Subscription to "`+askTriggers)

	// Wherever it has the answer sent, nothing comes of it on a subject of Spool's account.
	fill(t, b)
	before := streamsAt(t, b)
	for _, victim := range append(victims, "$JS.API.STREAM.PURGE.RUN_EVENTS", askSubscriber) {
		m := nats.NewMsg(jet.AskTrigger)
		m.Reply, m.Data = victim, []byte("5")
		m.Header.Set("Nats-Trace-Dest", victim)
		_ = a.PublishMsg(m)
		m.Header = nil
		_ = a.PublishMsg(m)
	}
	ask(a, "6", "a asked 6")
	after := streamsAt(t, b)
	for subject, n := range after {
		if before[subject] != n {
			t.Errorf("%d messages of %s became %d", before[subject], subject, n)
		}
	}

	gone := make(chan struct{})
	a.SetClosedHandler(func(*nats.Conn) { close(gone) })
	a.SetDisconnectErrHandler(func(*nats.Conn, error) { go a.Close() })
	if err := bus.RevokeSubscriber(t.Context(), "a", "admin"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-gone:
	case <-time.After(30 * time.Second):
		t.Error("a revoked subscriber is still connected")
	}
	ask(other, "7", "b asked 7")
}
