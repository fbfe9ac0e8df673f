package broker

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"spool.internal/events"
)

// Where nothing is stored but that cron's clock goes on, no note of the store is written, so that
// a disk sleeps; whatever else is stored is noted together with it.
func TestNoteOfAnIdleStore(t *testing.T) {
	t.Parallel()
	h := newHarness(t, t.TempDir(), Fsync)
	h.fill(2)
	cron, err := h.Connect(t.Context(), "cron")
	if err != nil {
		t.Fatal(err)
	}
	defer cron.Close(context.Background()) //nolint:errcheck // its commits are waited for
	noted := func() string {
		t.Helper()
		if err := h.note(); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(h.dir, "store.json"))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	goOn := func(seq uint64, a events.Answers) uint64 {
		t.Helper()
		seq, err := cron.CommitPass(t.Context(), events.Clock{JobsSeq: seq}, seq, a)
		if err != nil {
			t.Fatal(err)
		}
		return seq
	}
	before, seq := noted(), uint64(0)
	for range 3 {
		seq = goOn(seq, events.Answers{})
		if noted() != before {
			t.Fatal("the clock alone was noted")
		}
	}
	goOn(seq, events.Answers{Fired: []events.Trigger{{ID: "t", JobID: "job-0"}}})
	if noted() == before {
		t.Error("a trigger that was stored together with the clock was not noted")
	}
}
