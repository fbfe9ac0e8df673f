package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

// While dispatcher, runner and broker are killed in turn, one each second, each
// trigger has exactly one visible result and exactly one ended run, which is OK
// unless it was under way at three kills of its runner.
func TestChaosRuns(t *testing.T) {
	if os.Getenv("SPOOL_CHAOS") == "" {
		t.Skip("make chaos runs it: it takes minutes")
	}
	runChaos(t, 5000)
}

// The same with fewer triggers, in half a minute.
func TestLongRunsAcrossKills(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long runs it: it kills processes for half a minute")
	}
	t.Parallel()
	runChaos(t, 300)
}

func runChaos(t *testing.T, n int) {
	p := newHarness(t)
	secret := filepath.Join(t.TempDir(), "runner.secret")
	if err := os.WriteFile(secret, []byte("a secret that the two of them share"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.flow("true.ibflowbin", "#!/bin/sh\nexit 0\n")
	calls := eventstest.FreeAddress(t)
	broker := p.start("broker", "--data", p.data, "--nats-listen", p.nats, "--results-per-job", "20000")
	role := func(name string, more ...string) *process {
		return p.start(append([]string{name, "--data", p.data, "--nats-url", "nats://" + p.nats, "--nats-creds", filepath.Join(p.data, name+".creds"), "--runner-secret-file", secret}, more...)...)
	}
	run := role("runner", "--listen", calls, "--drive", testDrive+"="+p.dir, "--flows", "4")
	// A trigger that was in hand at five kills waits 10 min by default before it is called again.
	dispatch := role("dispatcher", "--run-binary-url", "http://"+calls+events.RunBinaryPath, "--retry-waits", "1s,5s")
	bus := p.bus()
	seq, err := bus.PutJob(t.Context(), events.JobEvent{Event: events.JobCreated, Job: events.Job{
		ID: "j", Username: "admin", Status: events.Enabled,
		Parameters: fmt.Appendf(nil, `{"name":"j","schedule":"@yearly","flow_parameters":{"auth_token":"x","binary_path":"%s/true.ibflowbin","input_dir":"%s/in"},"spool":{"retry_for":"24h"}}`, testDrive, testDrive),
	}}, 0)
	if err != nil {
		t.Fatal(err)
	}
	var stored atomic.Int64
	fed := make(chan error, 1)
	go func() { // ends with the last trigger, which the test waits for
		for i := 0; i < n; {
			_, err := bus.PutTrigger(t.Context(), events.KindManual, events.Trigger{
				ID: events.ManualTriggerID("j", fmt.Sprint(i)), JobID: "j", Kind: events.KindManual, JobSeq: seq, At: time.Now(),
			})
			switch {
			case err == nil:
				i++
				stored.Store(int64(i))
			case t.Context().Err() != nil:
				fed <- err
				return
			default:
				time.Sleep(20 * time.Millisecond) // the broker is away; the message id keeps it from being stored twice
			}
		}
		fed <- nil
	}()
	kills, began := 0, time.Now()
	var ended map[string]int
	for {
		time.Sleep(time.Second)
		ended = timesOf(read(p, bus.Runs(events.Ended, "j")), func(ev events.RunEvent) string { return ev.FlowJobID })
		if stored.Load() == int64(n) && (len(ended) >= n*9/10 || time.Since(began) > 30*time.Minute) {
			break // the rest is to end in peace
		}
		victim := []*process{dispatch, run, broker}[kills%3]
		victim.kill()
		victim.start()
		kills++
	}
	if err := <-fed; err != nil {
		t.Fatal(err)
	}
	var short string
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(short)
		}
	})
	p.eventually("every run ends", func() bool {
		ended = timesOf(read(p, bus.Runs(events.Ended, "j")), func(ev events.RunEvent) string { return ev.FlowJobID })
		left, err := bus.Triggers("", "").Count(t.Context())
		short = fmt.Sprintf("%d of %d runs have ended, %d subjects of triggers are left: %v", len(ended), n, left, err)
		return err == nil && left == 0 && len(ended) == n
	})
	results := timesOf(read(p, bus.Results("j")), func(r events.Result) string { return r.TriggerID })
	visible, failed := 0, 0
	for id, times := range results {
		if visible++; times > 1 {
			t.Logf("%s is stored %d times and shown once", id, times)
		}
	}
	for _, r := range read(p, bus.Results("j")) {
		if r.Status != events.OK {
			failed++
			t.Errorf("%s: %s %s", r.TriggerID, r.HTTP.Status, r.HTTP.Response)
		}
	}
	for id, times := range ended {
		if times != 1 {
			t.Errorf("run %s has ended %d times", id, times)
		}
	}
	poisoned := 0
	starts := timesOf(read(p, bus.Runs(events.Started, "j")), func(ev events.RunEvent) string { return ev.FlowJobID })
	for _, ev := range read(p, bus.Runs(events.Ended, "j")) {
		switch {
		case strings.HasPrefix(ev.Message, "poison: ") && starts[ev.FlowJobID] >= 3:
			poisoned++ // it was under way at three of the kills
		case ev.Status != events.OK:
			t.Errorf("run %s has ended %s after %d starts: %s", ev.FlowJobID, ev.Status, starts[ev.FlowJobID], ev.Message)
		}
	}
	if visible != n || len(ended) != n {
		t.Errorf("%d visible results and %d ended runs for %d triggers", visible, len(ended), n)
	}
	t.Logf("%d triggers, %d kills in %s: %d visible results (%d not OK), %d ended runs (%d as poison)",
		n, kills, time.Since(began).Round(time.Second), visible, failed, len(ended), poisoned)
}

// count counts the messages below a filter by a field of their bodies.
// timesOf counts values by a name of each.
func timesOf[T any](list []T, name func(T) string) map[string]int {
	all := map[string]int{}
	for _, v := range list {
		all[name(v)]++
	}
	return all
}
