package dispatcher

import (
	"context"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// On a disk so slow that everything stored falls behind by more than the broker's
// patience, each file and each trigger is called once and has one result, also
// where few results are kept.
func TestLongASlowDiskCallsOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long runs it: the queue falls 30 s behind")
	}
	callsOnce(t, 300, 100, 60*time.Millisecond)
}

// The same with less.
func TestASlowDiskCallsOnce(t *testing.T) { callsOnce(t, 40, 15, 20*time.Millisecond) }

func callsOnce(t *testing.T, files, triggers int, each time.Duration) {
	t.Parallel()
	var mu sync.Mutex
	calls, first := map[string]int{}, map[string]time.Time{}
	h := newHarness(t, func(w http.ResponseWriter, q *http.Request) {
		mu.Lock()
		id := q.Header.Get(events.HeaderKey)
		if calls[id]++; calls[id] == 1 {
			first[id] = time.Now()
		}
		mu.Unlock()
		_, _ = io.WriteString(w, `{"status":"OK"}`)
	})
	h.srv = eventstest.Start(t, eventstest.Options{Sync: true, Slow: true})
	h.bus = eventstest.Connect(t, h.srv)
	h.cfg.Bus, h.cfg.Log = h.bus, eventstest.Quiet()
	if err := h.bus.Ensure(t.Context(), jet.Topology{Store: 1 << 30, Replicas: 1, ResultsPerJob: 10}); err != nil {
		t.Fatal(err)
	}
	seq := h.job("job", "1h", spooled)
	var all []events.Trigger
	for n := range files {
		f := events.NewFile(time.Unix(int64(n), 0).String())
		f.Fingerprint = events.Hash(f.Path)
		all = append(all, events.Trigger{ID: events.FileTriggerID("job", f.Fingerprint), JobID: "job", Kind: events.KindFile, JobSeq: seq, File: f})
	}
	if _, err := h.bus.CommitFiles(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	for n := range triggers {
		all = append(all, h.trigger("job", time.Unix(int64(n), 0).String(), seq))
	}
	stop := eventstest.SlowDisk(h.srv.Server, each)
	defer stop()
	began := time.Now()
	results, slowest := map[string]int{}, time.Duration(0)
	ctx, cancel := context.WithCancel(t.Context())
	var following sync.WaitGroup
	defer following.Wait()
	defer cancel()
	following.Go(func() {
		for ctx.Err() == nil {
			_ = h.bus.Results("").Follow(ctx, jet.Beginning, func(m jet.Entry[events.Result]) {
				mu.Lock()
				defer mu.Unlock()
				id := m.TriggerID()
				results[id]++
				slowest = max(slowest, m.Time.Sub(first[id]))
			})
		}
	})
	h.run()
	for end := began.Add(5 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		left, err1 := h.bus.Triggers("", "").Count(t.Context())
		queued, err2 := h.bus.Files("").Count(t.Context())
		if err1 == nil && err2 == nil && left+queued == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%d and %d are still queued after 5 minutes", left, queued)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	for _, trigger := range all {
		if calls[trigger.ID] != 1 || results[trigger.ID] > 1 { // some results were pushed out before they were seen here
			t.Errorf("%s has %d calls and %d results", trigger.ID, calls[trigger.ID], results[trigger.ID])
		}
	}
	t.Logf("%d in %s, the slowest result %s after its call", len(all), time.Since(began).Round(time.Second), slowest.Round(time.Second))
}
