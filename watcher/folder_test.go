package watcher_test

import (
	"os"
	"path/filepath"
	"testing"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

func TestFolderComesLater(t *testing.T) {
	t.Parallel()
	r := newHarness(t, eventstest.Options{})
	r.job("job", "later/in", nil)
	r.start()
	r.awaitLog("does not exist (looked at " + filepath.Join(r.root, "later/in") + ")")
	r.awaitState("job", func(s events.WatchState) bool {
		return s.State == "absent" && s.HostPath == filepath.Join(r.root, "later/in") && s.Reason != ""
	})
	r.write(filepath.Join(r.dir("later/in"), "f"), "one")
	r.await("job", 1)
	r.awaitState("job", func(s events.WatchState) bool {
		return s.State == "live" && s.Reason == "" && !s.LastScan.IsZero()
	})
}

func TestFolderIsReplaced(t *testing.T) {
	tests := []struct {
		name    string
		replace func(r *harness, dir string)
	}{
		{"deleted and made again", func(r *harness, dir string) {
			r.check(os.RemoveAll(dir))
			r.dir("in")
		}},
		{"deleted, and made again after that was noticed", func(r *harness, dir string) {
			r.check(os.RemoveAll(dir))
			r.awaitLog("does not exist")
			r.dir("in")
		}},
		{"swapped for another", func(r *harness, dir string) {
			r.dir("other")
			r.check(os.Rename(dir, dir+"-gone"))
			r.check(os.Rename(filepath.Join(r.root, "other"), dir))
		}},
		{"a link to another", func(r *harness, dir string) {
			r.dir("other")
			r.check(os.RemoveAll(dir))
			r.check(os.Symlink("other", dir))
		}},
		{"its parent swapped", func(r *harness, dir string) {
			// Nothing is reported about the folder itself: the check finds out.
			r.check(os.RemoveAll(dir))
			r.check(os.Symlink("a", filepath.Join(r.root, "now")))
			r.dir("a/in")
			r.check(os.Symlink("now/in", dir))
			r.write(filepath.Join(dir, "in-a"), "one")
			r.eventually(func() bool { return len(r.queued("job")) == 2 })
			r.dir("b/in")
			r.check(os.Symlink("b", filepath.Join(r.root, "next")))
			r.check(os.Rename(filepath.Join(r.root, "next"), filepath.Join(r.root, "now")))
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newHarness(t, eventstest.Options{})
			dir := r.dir("in")
			r.write(filepath.Join(dir, "before"), "one")
			r.job("job", "in", nil)
			r.start()
			r.await("job", 1)
			tt.replace(r, dir)
			r.write(filepath.Join(dir, "after"), "two")
			has := func(name string) bool {
				for _, tr := range r.queued("job") {
					if tr.File.Path == name {
						return true
					}
				}
				return false
			}
			r.eventually(func() bool { return has("after") })
			// And what comes from now on is reported, not only swept up.
			r.drop(filepath.Join(dir, "later"), "three")
			r.eventually(func() bool { return has("later") })
			all := 3
			if has("in-a") {
				all++
			}
			r.await("job", all)
		})
	}
}

func TestLinkOutOfTheDrive(t *testing.T) {
	t.Parallel()
	r := newHarness(t, eventstest.Options{})
	outside := t.TempDir()
	r.write(filepath.Join(outside, "secret"), "no")
	r.check(os.Symlink(outside, filepath.Join(r.root, "in")))
	r.job("job", "in", nil)
	r.start()
	r.awaitState("job", func(s events.WatchState) bool { return s.State == "blocked" })
	if got := r.queued("job"); len(got) != 0 {
		t.Errorf("took %+v", got)
	}
}
