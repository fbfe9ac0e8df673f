package jet_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// needing connects a service that needs every stream.
func needing(t *testing.T, m *eventstest.Member) *jet.Bus {
	t.Helper()
	bus, err := jet.Connect(t.Context(), jet.Options{URL: m.URL(), Name: "test", Needs: jet.EveryStream(), Log: eventstest.Log(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = bus.Close(ctx)
	})
	return bus
}

// With two of three servers gone, the third, which goes on answering reads, is known to be
// cut off within 5 s: readiness, tokens and commits name the stream and since when, as
// something that passes. All goes on soon after they have come back.
func TestLongLostQuorum(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long runs it")
	}
	c := eventstest.Cluster(t, 3).Ensure(t)
	last := c.Leader(t, "KV_TOKENS")
	c.Lead(t, "JOBS", last)
	bus := needing(t, last)
	keys := jet.NewKeyring(bus)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- keys.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	tells := func() error { _, err := keys.Verify("x", time.Now()); return err }
	eventstest.Eventually(t, "tokens are known", func() bool { return events.CodeOf(tells()) == events.Unauthorized })
	eventstest.Eventually(t, "ready", func() bool { return bus.Check() == nil })

	var away []*eventstest.Member
	for _, m := range c.Members {
		if m != last {
			away = append(away, m)
		}
	}
	began := time.Now()
	for _, m := range away {
		m.Stop()
	}
	eventstest.Eventually(t, "not ready", func() bool { return bus.Check() != nil })
	t.Logf("not ready after %s: %s", time.Since(began), strings.Split(bus.Check().Error(), "\n")[0])
	eventstest.Eventually(t, "tokens do not count", func() bool { return events.CodeOf(tells()) == events.Unavailable })
	took := time.Since(began)
	t.Logf("no tokens after %s: %v", took, tells())
	if took > 15*time.Second { // 5 s, on a machine that does nothing else
		t.Errorf("a lost quorum is known after %s", took)
	}
	for stream, subject := range map[string]string{"JOBS": "spool.job.x", "STATE": "spool.state.watch.x", "TRIGGERS": "spool.trigger.manual.x"} {
		eventstest.Eventually(t, "a commit to "+stream+" tells why", func() bool {
			asked := time.Now()
			_, err := bus.Commit(t.Context(), stream, jet.Message{Subject: subject, Data: []byte("{}")})
			if events.CodeOf(err) != events.Unavailable {
				t.Fatalf("a commit to %s: %v", stream, err)
			}
			if d := time.Since(asked); d > 8*time.Second {
				t.Errorf("a commit to %s is given up after %s", stream, d)
			}
			return strings.Contains(err.Error(), stream+" has no ") && strings.Contains(err.Error(), "since 2")
		})
	}
	if took = time.Since(began); took > 15*time.Second {
		t.Errorf("commits tell why after %s", took)
	}
	t.Logf("commits tell why after %s", took)
	if text := tells().Error(); !strings.Contains(text, "KV_TOKENS has no ") || !strings.Contains(text, "since 2") || strings.Contains(text, "okens cannot") {
		t.Errorf("the answer to a token: %s", text)
	}
	for _, m := range away {
		m.Start(t)
	}
	began = time.Now()
	eventstest.Eventually(t, "everything goes on", func() bool {
		_, err := bus.Commit(t.Context(), "STATE", jet.Message{Subject: "spool.state.watch.x", Data: []byte("{}")})
		return err == nil && bus.Check() == nil && events.CodeOf(tells()) == events.Unauthorized
	})
	t.Logf("all goes on after %s", time.Since(began))
}
