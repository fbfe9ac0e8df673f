package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"spool.internal/events"
)

// The wait for the next call outlives kill -9 of broker and dispatcher: the call
// is neither lost nor made sooner.
func TestLongRetryAcrossKills(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long runs it: it waits for a retry")
	}
	t.Parallel()
	const wait = 8 * time.Second
	var calls atomic.Int64
	called := make(chan time.Time, 10)
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		called <- time.Now()
		if calls.Add(1) == 1 {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		_, _ = io.WriteString(w, `{"status":"OK"}`)
	}))
	defer endpoint.Close()
	p := newHarness(t)
	broker := p.start("broker", "--data", p.data, "--nats-listen", p.nats)
	dispatch := p.start("dispatcher", "--data", p.data, "--nats-url", "nats://"+p.nats, "--nats-creds", filepath.Join(p.data, "dispatcher.creds"),
		"--run-binary-url", endpoint.URL, "--retry-waits", wait.String())
	bus := p.bus()
	putClockJob(p, bus, "j", "latest", time.Now())
	trigger := events.Trigger{ID: events.CronTriggerID("j", events.MinuteOf(time.Now())), JobID: "j", Kind: events.KindCron, Minute: events.MinuteOf(time.Now())}
	if _, err := bus.PutTrigger(t.Context(), events.KindCron, trigger); err != nil {
		t.Fatal(err)
	}
	first := <-called
	for range 3 {
		time.Sleep(500 * time.Millisecond)
		broker.kill()
		dispatch.kill()
		broker.start()
		dispatch.start()
	}
	again := <-called
	// A tenth is chance, and a server that starts again knows by the second when it is to
	// deliver anew.
	if apart := again.Sub(first); apart < wait*9/10-time.Second {
		t.Errorf("called again after %s, want %s", apart, wait)
	} else {
		t.Logf("called again after %s, want %s", apart, wait)
	}
	p.eventually("there is one result", func() bool {
		list := read(p, bus.Results("j"))
		return len(list) == 1 && list[0].Status == events.OK && list[0].TriggerID == trigger.ID
	})
}
