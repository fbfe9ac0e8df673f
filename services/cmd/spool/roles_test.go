package main

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

// All six roles as processes of their own: a file, a tick and a request are
// worked on while every service but the broker is killed and started again.
func TestLongSixRoles(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long runs it")
	}
	t.Parallel()
	p := newHarness(t)
	if err := os.MkdirAll(p.data, 0o700); err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(p.data, "runner.secret")
	if err := os.WriteFile(secret, []byte(rand.Text()), 0o600); err != nil {
		t.Fatal(err)
	}
	runnerAddr := eventstest.FreeAddress(t)
	p.start("broker", "--data", p.data, "--nats-listen", p.nats)
	role := func(name string, more ...string) *process {
		return p.start(append([]string{
			name, "--data", p.data, "--nats-url", "nats://" + p.nats, "--nats-creds", filepath.Join(p.data, name+".creds"),
		}, more...)...)
	}
	place := []string{"--drive", testDrive + "=" + p.dir}
	services := []*process{
		role("dispatcher", "--run-binary-url", "http://"+runnerAddr+events.RunBinaryPath, "--runner-secret-file", secret),
		role("gateway", append(place, "--listen", p.api)...),
		role("cron"),
		role("watcher", place...),
		role("runner", append(place, "--listen", runnerAddr, "--runner-secret-file", secret)...),
	}
	files := p.job("files", "", "flow.ibflowbin", "in", nil)
	ticks := p.job("ticks", "* * * * *", "flow.ibflowbin", "tick/in", nil)
	hook, calls := receiver(t, 3)
	asked := p.hooked(hook, "Bearer abc")
	created := time.Now()

	d := &dropper{p: p, dir: filepath.Join(p.dir, "in"), sum: map[string]string{}}
	requests := 0
	for round, pr := range services {
		d.renameIn(round*40, round*40+20)
		for range 5 {
			if a := p.call("POST", "trigger_job", map[string]any{"job_id": asked}); a["triggered_job"] != asked {
				t.Fatalf("trigger_job: %v", a)
			}
			requests++
		}
		time.Sleep(100 * time.Millisecond) // it works
		pr.kill()
		d.copyIn(round*40+20, round*40+40)
		pr.start()
	}
	bus := p.bus()
	d.check(bus, files)

	var runs []events.RunEvent
	p.eventually("every request has ended", func() bool {
		runs = read(p, bus.Runs(events.Ended, asked))
		return len(runs) >= requests
	})
	once(p, "request", runs, requests)
	notified := map[string]bool{}
	for len(notified) < requests {
		notified[p.received(calls).Get("webhook-id")] = true
	}
	for _, ev := range runs {
		if !notified["ended_"+ev.FlowJobID] {
			t.Errorf("the end of run %s was not reported", ev.FlowJobID)
		}
	}
	time.Sleep(time.Until(created.Truncate(time.Minute).Add(time.Minute + time.Second)))
	p.eventually("the tick of the minute has ended", func() bool {
		runs = read(p, bus.Runs(events.Ended, ticks))
		return len(runs) >= 1
	})
	once(p, "tick", runs, len(runs))
	results := read(p, bus.Results(asked))
	seen := map[string]bool{}
	for _, r := range results {
		seen[r.TriggerID] = true
	}
	if len(seen) != requests {
		t.Errorf("%d requests have results, want %d", len(seen), requests)
	}
}

// once fails for runs that share a trigger, and when their number is not n.
func once(p *harness, what string, runs []events.RunEvent, n int) {
	p.Helper()
	keys := map[string]int{}
	for _, r := range runs {
		if keys[r.TriggerID]++; keys[r.TriggerID] > 1 {
			p.Errorf("%s %s ran %d times", what, r.TriggerID, keys[r.TriggerID])
		}
	}
	if len(keys) != n {
		p.Errorf("%d %ss ran, want %d", len(keys), what, n)
	}
	p.Logf("%s: %d keys, each with one ended run", what, len(keys))
}
