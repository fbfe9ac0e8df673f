package watcher_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

// awaitWaiting waits until the watcher tells something of the files that wait.
func (r *harness) awaitWaiting(job string, is func(map[string]events.WaitingFile) bool) {
	r.Helper()
	r.eventually(func() bool {
		m, found, err := r.bus.WaitingFiles(job).Last(r.Context())
		var all events.WaitingFiles
		if err != nil || !found || json.Unmarshal(m.Data, &all) != nil {
			return false
		}
		byPath := map[string]events.WaitingFile{}
		for _, f := range all.Files {
			byPath[f.RawPath()] = f
		}
		return is(byPath)
	})
}

// Where several in a row cannot be staged the drive is at fault, which is not asked for
// each file; all of them run when it takes them again.
func TestNoneCanBeStaged(t *testing.T) {
	t.Parallel()
	r := newHarness(t, eventstest.Options{})
	dir := r.dir("in")
	spool := filepath.Join(filepath.Dir(dir), events.StageRoot)
	r.check(os.WriteFile(spool, nil, 0o644))
	for i := range 20 {
		r.write(filepath.Join(dir, strconv.Itoa(i)), "some")
	}
	r.job("job", "in", nil)
	r.start()
	r.awaitState("job", func(s events.WatchState) bool { return s.Pending == 20 && strings.HasPrefix(s.Reason, "files wait: ") })
	r.check(os.Remove(spool))
	r.await("job", 20)
}

// A file that a program has open is told of, with since when.
func TestOpenFileIsToldOf(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("who writes a file is seen by leases, on Linux alone")
	}
	r := newHarness(t, eventstest.Options{})
	dir := r.dir("in")
	r.job("job", "in", nil)
	r.start()
	r.awaitState("job", func(s events.WatchState) bool { return s.State == "live" })
	f, err := os.Create(filepath.Join(dir, "a"))
	r.check(err)
	_, err = f.WriteString("half")
	r.check(err)
	r.awaitWaiting("job", func(all map[string]events.WaitingFile) bool {
		return all["a"].State == events.FileOpen && !all["a"].Since.IsZero()
	})
	r.check(f.Close())
	r.await("job", 1)
	r.awaitWaiting("job", func(all map[string]events.WaitingFile) bool { return len(all) == 0 })
}

// A file without its marker is told of, with since when, for as long as it lacks it; the
// scan says how many files it has looked at, and how many of them a rule leaves alone.
// Once it is taken, its trigger says when it was seen, and how it was known to be complete.
func TestUnmarkedFileIsToldOf(t *testing.T) {
	t.Parallel()
	r := newHarness(t, eventstest.Options{})
	dir := r.dir("in")
	for _, name := range []string{"a.csv", "b.csv", "c.txt", ".hidden"} {
		r.write(filepath.Join(dir, name), "some")
	}
	r.job("job", "in", map[string]any{"watch": map[string]any{"marker": ".done", "include": []string{"*.csv"}}})
	r.start()
	r.awaitWaiting("job", func(all map[string]events.WaitingFile) bool {
		return len(all) == 2 && all["a.csv"].State == events.FileUnmarked && !all["a.csv"].Since.IsZero()
	})
	r.awaitState("job", func(s events.WatchState) bool { return s.Looked == 4 && s.Ignored == 2 && s.Unmarked == 2 })
	r.write(filepath.Join(dir, "a.csv.done"), "")
	r.await("job", 1)
	r.awaitWaiting("job", func(all map[string]events.WaitingFile) bool {
		return len(all) == 1 && all["b.csv"].State == events.FileUnmarked
	})
	r.check(os.Remove(filepath.Join(dir, "b.csv")))
	r.awaitWaiting("job", func(all map[string]events.WaitingFile) bool { return len(all) == 0 })
	m, found, err := r.bus.Files("job").Last(r.Context())
	r.check(err)
	var trigger events.Trigger
	if f := trigger.File; !found || json.Unmarshal(m.Data, &trigger) != nil {
		t.Fatalf("no trigger: %v", f)
	}
	if f := trigger.File; f.Came != events.CameMarker || f.FirstSeen.IsZero() || f.Complete.Before(f.FirstSeen) || trigger.At.Before(f.Complete) || f.QuietMS == 0 {
		t.Errorf("the file of the trigger: %+v", f)
	}
}
