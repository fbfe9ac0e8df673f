package watcher_test

import (
	"os"
	"path/filepath"
	"testing"

	"spool.internal/events/eventstest"
)

// A file that is asked to run again runs once more, whoever watches, and a
// restart makes no third run of it.
func TestReprocess(t *testing.T) {
	t.Parallel()
	r := newHarness(t, eventstest.Options{})
	dir := r.dir("in")
	r.job("job", "in", nil)
	stop := r.start()
	r.start()
	for _, name := range []string{"f", "other"} {
		r.drop(filepath.Join(dir, name), name)
	}
	r.await("job", 2)
	r.check(r.bus.Reprocess(t.Context(), "job", "f", "admin"))
	all := r.await("job", 3)
	ids := map[string]bool{}
	for _, tr := range all {
		ids[tr.ID] = true
		if got := r.staged(tr); got != tr.File.Path {
			t.Errorf("%s: staged %q", tr.File.Path, got)
		}
	}
	if len(ids) != 3 || all[2].File.Path != "f" {
		t.Errorf("triggers %+v", all)
	}
	stop()
	r.start()
	r.check(r.bus.Reprocess(t.Context(), "job", "gone", "admin"))
	if got := r.settled("job", dir, 3); len(got) != 3 {
		t.Errorf("after a restart: %+v", got)
	}

	r.check(os.Remove(filepath.Join(dir, "f")))
	entries, err := r.bus.FilesOnPath(t.Context(), "job", "f")
	if r.check(err); len(entries) != 2 {
		t.Fatalf("of a file that is gone the ledger knows %+v", entries)
	}
	for _, e := range entries {
		if !ids[e.TriggerID] || !e.Queued || e.Ignored || e.At.IsZero() {
			t.Errorf("of a file that is queued the ledger says %+v", e)
		}
	}
	r.check(r.bus.Files("job").Clear(t.Context()))
	entries, err = r.bus.FilesOnPath(t.Context(), "job", "f")
	if r.check(err); len(entries) != 2 || entries[0].Queued || entries[1].Queued {
		t.Errorf("of a file that was called the ledger says %+v", entries)
	}
}
