package watcher_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

var recursive = map[string]any{"watch": map[string]any{"recursive": true}}

func TestRecursive(t *testing.T) {
	tests := []struct {
		name string
		does func(r *harness, dir string)
		want []string // paths, as the ledger has them
	}{
		{"lay there before", func(r *harness, dir string) {
			r.write(filepath.Join(r.dir("in/old/deep"), "f"), "x")
		}, []string{"old/deep/f"}},
		{"made and filled at once", func(r *harness, dir string) {
			r.awaitLive("job")
			for _, d := range []string{"in/a/b/c", "in/a/d"} {
				r.write(filepath.Join(r.dir(d), "f"), "x")
			}
		}, []string{"a/b/c/f", "a/d/f"}},
		{"moved in with files", func(r *harness, dir string) {
			r.awaitLive("job")
			r.write(filepath.Join(r.dir("else/b"), "f"), "x")
			r.write(filepath.Join(r.root, "else", "g"), "x")
			r.check(os.Rename(filepath.Join(r.root, "else"), filepath.Join(dir, "a")))
		}, []string{"a/b/f", "a/g"}},
		{"the same name in two folders", func(r *harness, dir string) {
			r.write(filepath.Join(r.dir("in/a"), "f"), "x")
			r.write(filepath.Join(r.dir("in/b"), "f"), "x")
		}, []string{"a/f", "b/f"}},
		{"a folder renamed after its file was taken", func(r *harness, dir string) {
			r.write(filepath.Join(r.dir("in/a"), "f"), "x")
			r.await("job", 1)
			r.check(os.Rename(filepath.Join(dir, "a"), filepath.Join(dir, "b")))
		}, []string{"a/f", "b/f"}},
		{"a folder deleted and made again", func(r *harness, dir string) {
			r.write(filepath.Join(r.dir("in/a"), "f"), "x")
			r.await("job", 1)
			r.check(os.RemoveAll(filepath.Join(dir, "a")))
			r.write(filepath.Join(r.dir("in/a"), "f"), "x")
		}, []string{"a/f", "a/f"}},
		{"hidden folders, and links to folders", func(r *harness, dir string) {
			r.write(filepath.Join(r.dir("in/.git"), "f"), "no")
			r.write(filepath.Join(r.dir("in/build.tmp"), "f"), "no")
			r.write(filepath.Join(r.dir("outside"), "f"), "no")
			r.check(os.Symlink("../outside", filepath.Join(dir, "link")))
		}, nil},
		{"a folder replaced by a link to it", func(r *harness, dir string) {
			r.write(filepath.Join(r.dir("in/a"), "f"), "x")
			r.await("job", 1)
			r.check(os.Rename(filepath.Join(dir, "a"), filepath.Join(r.root, "moved")))
			r.check(os.Symlink("../moved", filepath.Join(dir, "a")))
			r.write(filepath.Join(r.root, "moved", "g"), "no")
		}, []string{"a/f"}},
		{"a name that is not UTF-8", func(r *harness, dir string) {
			r.write(filepath.Join(r.dir("in/\xff"), "\xfe"), "x")
		}, []string{"\xff/\xfe"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newHarness(t, eventstest.Options{})
			dir := r.dir("in")
			r.job("job", "in", recursive)
			stop := r.start()
			tt.does(r, dir)
			r.eventually(func() bool { return len(r.queued("job")) >= len(tt.want) })
			var got []string
			for _, tr := range r.settled("job", dir, len(tt.want)) {
				got = append(got, tr.File.RawPath())
				r.staged(tr) // under its own name
			}
			slices.Sort(got)
			if !slices.Equal(got, tt.want) {
				t.Errorf("took %q, want %q", got, tt.want)
			}
			stop()
			restarted := time.Now()
			r.start() // everything is found again, and known
			r.awaitState("job", func(s events.WatchState) bool {
				return s.State == "live" && s.Pending == 0 && s.Since.After(restarted)
			})
			if n := len(r.queued("job")); n != len(tt.want)+1 {
				t.Errorf("%d triggers after a restart, want %d", n, len(tt.want)+1)
			}
		})
	}
}

func TestNotRecursive(t *testing.T) {
	t.Parallel()
	r := newHarness(t, eventstest.Options{})
	dir := r.dir("in")
	r.write(filepath.Join(r.dir("else"), "f"), "x")
	r.job("job", "in", nil)
	r.start()
	r.awaitLive("job")
	r.check(os.Rename(filepath.Join(r.root, "else"), filepath.Join(dir, "a")))
	if got := r.settled("job", dir, 0); len(got) != 0 {
		t.Errorf("took %+v", got)
	}
}

// What was there before the job is not run; what came into it later is, however old.
func TestRecursiveInitial(t *testing.T) {
	t.Parallel()
	r := newHarness(t, eventstest.Options{})
	r.write(filepath.Join(r.dir("in/old"), "f"), "no")
	r.write(filepath.Join(r.dir("else"), "f"), "x")
	time.Sleep(30 * time.Millisecond) // older than the job by more than a tick
	r.job("job", "in", map[string]any{"watch": map[string]any{"recursive": true, "initial": "ignore"}})
	r.start()
	r.awaitLive("job")
	r.check(os.Rename(filepath.Join(r.root, "else"), filepath.Join(r.root, "in", "new")))
	got := r.await("job", 1)
	if got[0].File.Path != "new/f" {
		t.Errorf("took %s", got[0].File.Path)
	}
	r.settled("job", filepath.Join(r.root, "in"), 1)
}

func TestRecursiveState(t *testing.T) {
	t.Parallel()
	r := newHarness(t, eventstest.Options{})
	a, b := r.dir("in/a"), r.dir("in/b")
	r.job("job", "in", recursive)
	r.start()
	r.awaitLive("job")
	fa, fb := r.holdOpen(filepath.Join(a, "f"), "x"), r.holdOpen(filepath.Join(b, "f"), "x")
	r.awaitState("job", func(s events.WatchState) bool { return s.Pending == 2 && !s.OldestPending.IsZero() })
	r.check(fa.Close())
	r.check(fb.Close())
	r.await("job", 2)
	r.awaitState("job", func(s events.WatchState) bool {
		return s.Pending == 0 && s.State == "live" && s.OldestPending.IsZero()
	})
}

func TestDeletedRecursiveJobLeavesNothing(t *testing.T) {
	t.Parallel()
	r := newHarness(t, eventstest.Options{})
	dir := r.dir("in/a/b")
	ev := r.job("job", "in", recursive)
	r.start()
	r.write(filepath.Join(dir, "f"), "x")
	r.await("job", 1)
	ev.Event = events.JobDeleted
	r.put(ev, 1)
	r.eventually(func() bool {
		_, err := os.Stat(filepath.Join(r.root, ".spool", "job"))
		return os.IsNotExist(err)
	})
}
