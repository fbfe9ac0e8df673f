package stream_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

// number is what the results of these tests are counted by.
func (l *listener) number(f frame) int {
	l.t.Helper()
	var r events.Result
	if err := json.Unmarshal([]byte(f.data), &r); err != nil || f.name != "result" {
		l.t.Fatalf("%+v is no result: %v", f, err)
	}
	n, err := strconv.Atoi(r.HTTP.Response)
	if err != nil {
		l.t.Fatal(err)
	}
	return n
}

// until reads results up to number n: each comes after the one before it, or again.
func (l *listener) until(seen *int, n int) {
	l.t.Helper()
	for *seen < n {
		f := l.next()
		if f.name == "" {
			l.t.Fatalf("the stream ends after result %d: %v", *seen, l.lines.Err())
		}
		if next := l.number(f); next > *seen+1 {
			l.t.Fatalf("after result %d comes %d", *seen, next)
		} else {
			*seen = max(*seen, next)
		}
	}
}

// persist stores a result, however long the broker is away.
func (r *harness) persist(jobID string, n int) {
	result := events.Result{
		JobID: jobID, TriggerID: fmt.Sprintf("cron:%s:%d", jobID, n), HTTP: events.HTTPResult{Response: strconv.Itoa(n)},
	}
	for r.bus.PutResult(r.t.Context(), result) != nil && r.t.Context().Err() == nil {
		time.Sleep(5 * time.Millisecond)
	}
}

func TestResume(t *testing.T) {
	r := newHarness(t)
	id := r.job("alice")
	for n := range 700 { // more than a page
		r.persist(id, n+1)
	}
	seen := 0
	l := r.listen("alice/operator", "", "j1-r0-u0")
	for seen < 700 { // with a break wherever it is
		l.until(&seen, min(seen+137, 700))
		l.cancel()
		l = r.listen("alice/operator", "", l.id)
	}
	r.persist(id, 701)
	l.until(&seen, 701)

	// In another process, which has passed nothing on yet.
	r.start()
	l = r.listen("alice/operator", "", l.id)
	r.persist(id, 702)
	l.until(&seen, 702)

	// What is gone when a client comes back does not hold up what is there.
	if err := r.bus.Results(id).Clear(t.Context()); err != nil {
		t.Fatal(err)
	}
	other := r.listen("alice/operator", "", "j1-r5-u0")
	r.start()
	third := r.listen("alice/operator", "", l.id)
	r.persist(id, 703)
	for _, l := range []*listener{l, other, third} {
		if n := l.number(l.next()); n != 703 {
			t.Errorf("after the purge comes %d", n)
		}
	}
}

// The broker goes and comes while results are stored. A client that stays, one
// that comes back all the time, and one at another gateway miss none.
func TestRestartOfBroker(t *testing.T) {
	const n, restarts = 300, 3
	r := newHarness(t)
	id := r.job("alice")
	first, here := r.listen("alice/operator", "?type=result", ""), r.url
	r.start()
	second, there := r.listen("root/admin", "?type=result", ""), r.url
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range n {
			r.persist(id, i+1)
		}
	})
	wg.Go(func() {
		seen := 0
		first.until(&seen, n)
	})
	wg.Go(func() {
		seen := 0
		second.until(&seen, n)
	})
	lastID := first.id
	for seen, i := 0, 0; seen < n; i++ {
		if i < restarts {
			r.broker.Restart(t)
		}
		r.url = []string{here, there}[i%2]
		l := r.reconnect(lastID)
		l.until(&seen, min(seen+n/10, n))
		lastID = l.id
		l.cancel()
	}
	wg.Wait()
}

// reconnect tries as a client does, until it is let in.
func (r *harness) reconnect(lastID string) *listener {
	r.t.Helper()
	eventstest.Eventually(r.t, "let in", func() bool {
		resp, cancel := r.ask("alice/operator", "?type=result", lastID)
		defer cancel()
		return resp.StatusCode == 200
	})
	return r.listen("alice/operator", "?type=result", lastID)
}
