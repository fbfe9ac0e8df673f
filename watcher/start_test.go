package watcher_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"spool.internal/events/eventstest"
)

// A watcher is made, runs, takes a file and is stopped, again and again: each stop ends without an error, each file has
// one trigger, and at the end of all tests no goroutine is left ([eventstest.Main]).
func TestStartAndStop(t *testing.T) {
	t.Parallel()
	startAndStop(t, 10)
}

func TestLongStartAndStop(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long")
	}
	t.Parallel()
	startAndStop(t, 100)
}

func startAndStop(t *testing.T, times int) {
	r := newHarness(t, eventstest.Options{})
	dir := r.dir("in")
	r.job("job", "in", nil)
	r.job("other", "absent", nil)
	for n := range times {
		stop := r.start()
		r.write(filepath.Join(dir, fmt.Sprint("f-", n)), fmt.Sprint("content ", n))
		if n%2 == 0 { // or it is stopped in the middle of its work
			r.eventually(func() bool { return len(r.queued("job")) == n+1 })
		}
		stop()
	}
	r.start()
	r.expectEach(r.await("job", times), times)
}
