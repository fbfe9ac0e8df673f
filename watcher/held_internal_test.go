package watcher

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

func heldFile(path string) events.Held {
	return events.Held{JobID: "job", Path: path, Fingerprint: "f-" + path, At: time.Now()}
}

// A listing shows what was held when it was read, and not what was held or let go while it was read.
func TestHeldDuringListing(t *testing.T) {
	for _, tc := range []struct {
		name          string
		before, while func(*holdings)
		listed, after []string
	}{
		{name: "held meanwhile", while: func(h *holdings) { h.put(heldFile("x")) }, after: []string{"x"}},
		{name: "held just before, by a follower that lags", before: func(h *holdings) { h.put(heldFile("x")) }, after: []string{"x"}},
		{
			name: "let go meanwhile", before: func(h *holdings) { h.put(heldFile("x")) },
			while: func(h *holdings) { h.drop("job", "x") }, listed: []string{"x"},
		},
		{
			name: "let go meanwhile, and another is held", before: func(h *holdings) { h.put(heldFile("x")) },
			while: func(h *holdings) { h.drop("job", "x") }, listed: []string{"x", "y"}, after: []string{"y"},
		},
		{
			name: "released by another watcher", before: func(h *holdings) { h.put(heldFile("x")); time.Sleep(2 * listingLag) },
			listed: []string{"y"}, after: []string{"y"},
		},
		{name: "held by another watcher", listed: []string{"x"}, after: []string{"x"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHoldings()
				if tc.before != nil {
					tc.before(h)
				}
				began := time.Now()
				time.Sleep(time.Minute) // a listing can take its time
				if tc.while != nil {
					tc.while(h)
				}
				var listed []events.Held
				for _, path := range tc.listed {
					listed = append(listed, heldFile(path))
				}
				h.replace(listed, began)
				var after []string
				for path := range h.byJob["job"] {
					after = append(after, path)
				}
				if !slices.Equal(after, tc.after) {
					t.Errorf("held are %v, want %v", after, tc.after)
				}
				if len(after) == 0 && len(h.byJob) > 0 {
					t.Errorf("jobs without held files are kept: %v", h.byJob)
				}
				time.Sleep(2 * listingLag)
				if h.replace(nil, time.Now()); len(h.byJob)+len(h.recent) > 0 {
					t.Errorf("%v and %v stay for ever", h.byJob, h.recent)
				}
			})
		})
	}
}

// However often the held files are listed while files are held, none is missing from what is shown.
func TestHeldStayShown(t *testing.T) {
	w := &Watcher{cfg: Config{Bus: eventstest.Bus(t)}, held: newHoldings()}
	ctx, stop := context.WithCancel(t.Context())
	var done atomic.Int64
	var listing sync.WaitGroup
	listing.Go(func() {
		for ctx.Err() == nil {
			if _, err := w.listHeld(ctx); err != nil && ctx.Err() == nil {
				t.Error(err)
			}
			if n := int(done.Load()); w.held.count() < n {
				t.Errorf("after a listing %d files are shown, %d are held", w.held.count(), n)
				return
			}
		}
	})
	for n := range 40 {
		h := heldFile(fmt.Sprint(n))
		if err := w.cfg.Bus.HoldFiles(ctx, []events.Held{h}); err != nil {
			t.Fatal(err)
		}
		w.holding(ctx, h)
		done.Add(1)
	}
	stop()
	listing.Wait()
}
