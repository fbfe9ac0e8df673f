package jet_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// keys counts the keys of runs that are kept.
func keys(t *testing.T, b *jet.Bus) int {
	t.Helper()
	all, err := b.Subjects(t.Context(), jet.StreamRuns, jet.AllRunKeys)
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

func keep(t *testing.T, b *jet.Bus, from, to, size int) {
	t.Helper()
	for n := from; n < to; n++ {
		run := events.Run{FlowJobID: fmt.Sprint("run-", n), Owner: strings.Repeat("x", size)}
		if err := b.KeepRun(t.Context(), "default", run); err != nil {
			t.Fatal(n, err)
		}
	}
}

// Keys go when their time is over, and the oldest first when room is short;
// what is queued stays.
func TestForgetRuns(t *testing.T) {
	b := eventstest.Connect(t, eventstest.Start(t, eventstest.Options{Store: 64 << 20}))
	if _, _, err := b.AcceptRun(t.Context(), "default", events.Run{FlowJobID: "queued"}); err != nil {
		t.Fatal(err)
	}
	forget := func(before time.Time, want int) {
		t.Helper()
		if err := b.ForgetRuns(t.Context(), before); err != nil {
			t.Fatal(err)
		}
		if got := keys(t, b); got != want {
			t.Errorf("%d keys are kept, want %d", got, want)
		}
	}
	keep(t, b, 0, 10, 10)
	forget(time.Now().Add(-time.Hour), 10)
	time.Sleep(10 * time.Millisecond)
	middle := time.Now()
	keep(t, b, 10, 15, 10)
	forget(middle, 5)
	if _, found, err := b.AcceptedRun(t.Context(), "run-9"); found || err != nil {
		t.Errorf("a key that was purged: %v, %v", found, err)
	}
	forget(time.Now().Add(time.Hour), 0)

	// The stream's part of this store is 2.56 MiB; 115 keys of 20 KiB are more than four fifths of it.
	keep(t, b, 100, 215, 20<<10)
	if err := b.ForgetRuns(t.Context(), time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got := keys(t, b); got < 90 || got > 110 {
		t.Errorf("under pressure %d of 115 keys are kept", got)
	}
	if _, found, _ := b.AcceptedRun(t.Context(), "run-214"); !found {
		t.Error("the newest key was purged")
	}
	if _, found, _ := b.AcceptedRun(t.Context(), "run-100"); found {
		t.Error("the oldest key was kept")
	}
	if _, found, _ := b.AcceptedRun(t.Context(), "queued"); !found {
		t.Error("a queued run was purged")
	}
}
