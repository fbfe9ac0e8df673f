package watcher_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

// A folder whose job's output leads back into it is blocked when it is armed,
// and taken up again when the link is gone.
func TestLeadsBack(t *testing.T) {
	r := newHarness(t, eventstest.Options{})
	in, out := r.dir("in"), filepath.Join(r.root, "out")
	if err := os.Symlink("in", out); err != nil {
		t.Fatal(err)
	}
	r.job("j1", "in", nil)
	r.start()
	r.awaitState("j1", func(s events.WatchState) bool {
		return s.State == "blocked" && strings.Contains(s.Reason, "the output folder "+driveName+"/out really is the watched folder")
	})
	r.drop(filepath.Join(in, "x"), "x")
	if err := os.Remove(out); err != nil {
		t.Fatal(err)
	}
	r.await("j1", 1)
	r.awaitState("j1", func(s events.WatchState) bool { return s.State == "live" && s.Reason == "" })
}
