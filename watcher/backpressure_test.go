package watcher_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

func TestQueueFull(t *testing.T) {
	t.Parallel()
	r := newHarness(t, eventstest.Options{Store: 32 << 20})
	dir := r.dir("in")
	r.job("job", "in", nil)
	fill := func(size int) {
		var err error
		for n := 0; err == nil; n++ {
			_, err = r.bus.File("filler", fmt.Sprint(size, "-", n)).Put(t.Context(), events.Trigger{ID: strings.Repeat("x", size)})
		}
		if !jet.IsFull(err) {
			t.Fatal(err)
		}
	}
	fill(64 << 10)
	fill(0) // what is left
	r.start()
	for _, name := range []string{"a", "b", "c"} {
		r.write(filepath.Join(dir, name), name)
	}
	r.awaitLog("files cannot be queued")
	r.awaitState("job", func(s events.WatchState) bool { return s.Pending == 3 && s.Reason != "" })
	r.check(r.bus.Files("filler").Clear(t.Context()))
	for _, tr := range r.await("job", 3) {
		if got := r.staged(tr); got != tr.File.Path {
			t.Errorf("%s: staged %q", tr.File.Path, got)
		}
	}
	stages, err := os.ReadDir(filepath.Join(r.root, ".spool", "job"))
	if err != nil || len(stages) != 3 {
		t.Errorf("%d stages after all attempts, want 3: %v", len(stages), err)
	}
	r.awaitLog("files are queued again")
	r.awaitState("job", func(s events.WatchState) bool { return s.Pending == 0 && s.Reason == "" })
}

func TestServerAway(t *testing.T) {
	r := newHarness(t, eventstest.Options{})
	dir := r.dir("in")
	r.job("job", "in", nil)
	r.start()
	r.awaitLog("folder is watched")
	r.server.Shutdown()
	r.server.WaitForShutdown()
	r.write(filepath.Join(dir, "f"), "one")
	r.awaitLog("files cannot be queued")
	r.server.Restart(t)
	r.await("job", 1)
}

func TestDriveTakesNoStages(t *testing.T) {
	r := newHarness(t, eventstest.Options{})
	dir := r.dir("in")
	r.write(filepath.Join(r.root, ".spool"), "in the way")
	r.job("job", "in", nil)
	r.start()
	r.write(filepath.Join(dir, "f"), "one")
	r.awaitLog("files cannot be staged")
	r.check(os.Remove(filepath.Join(r.root, ".spool")))
	r.await("job", 1)
}
