package jet_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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

// Of a run that has ended what its flow was started with is not kept: it may be long, and
// secrets are among it. Who repeats the call is answered as before.
func TestWhatIsKeptOfARun(t *testing.T) {
	b := eventstest.Connect(t, eventstest.Start(t, eventstest.Options{}))
	run := events.Run{
		FlowJobID: "run-1", JobID: "job-1", TriggerID: "trigger-1", Owner: "ann", BinaryPath: "ann/repo/fs/D/flow", InputDir: "ann/repo/fs/D/in",
		OutputFolder: "ann/repo/fs/D/out", Settings: []byte(`{"tags":["a setting"]}`), Profiles: []string{"a profile"}, Chain: []string{"a chain"},
		Spool: &events.RunExtras{Command: &events.Command{Line: "a command", Secrets: []events.ClosedSecret{{Name: "a secret"}}}},
	}
	if err := b.KeepRun(t.Context(), "default", run); err != nil {
		t.Fatal(err)
	}
	got, found, err := b.AcceptedRun(t.Context(), "run-1")
	if err != nil || !found {
		t.Fatal(found, err)
	}
	if diff := cmp.Diff(run.Over(), got); diff != "" {
		t.Error(diff)
	}
	text := string(events.Encode(got))
	for _, gone := range []string{"a setting", "a profile", "a chain", "a command", "a secret"} {
		if strings.Contains(text, gone) {
			t.Errorf("%s is kept: %s", gone, text)
		}
	}
	for _, stays := range []string{"run-1", "job-1", "trigger-1", "ann/repo/fs/D/out"} {
		if !strings.Contains(text, stays) {
			t.Errorf("%s is not kept: %s", stays, text)
		}
	}
}
