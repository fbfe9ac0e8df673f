package watcher_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

// mountHung mounts a file system that answers nothing, as a network mount whose
// server has gone. The function it gives ends it: what hangs then fails.
func mountHung(t *testing.T, dir string) (end func()) {
	fuse, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err == nil {
		err = unix.Mount("hung", dir, "fuse", 0, fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0", fuse))
	}
	if err != nil {
		t.Skipf("not run: this process may not mount a FUSE file system (it takes CAP_SYS_ADMIN and /dev/fuse): %v", err)
	}
	ended := false
	end = func() {
		if !ended {
			ended = true
			_ = unix.Close(fuse)
			_ = unix.Unmount(dir, unix.MNT_DETACH)
		}
	}
	t.Cleanup(end)
	return end
}

// A mount that hangs blocks its own folders, visibly, and nothing else: not the
// folders beside it, not the end of Run, not for longer than it hangs.
func TestHungMount(t *testing.T) {
	t.Parallel()
	r := newHarness(t, eventstest.Options{})
	r.cfg.Hang = time.Second
	end := mountHung(t, r.dir("hung"))
	const hung = 12 // more than there are workers, and than may be stuck on one mount
	for n := range hung {
		r.job(fmt.Sprint("hung-", n), "hung/in", nil)
	}
	dir := r.dir("in")
	r.job("job", "in", nil)
	stop := r.start()
	r.write(filepath.Join(dir, "f"), "one")
	r.await("job", 1)
	for n := range hung {
		r.awaitState(fmt.Sprint("hung-", n), func(s events.WatchState) bool {
			return s.State == "blocked" && s.Reason != "" && s.HostPath == filepath.Join(r.root, "hung/in")
		})
	}
	r.drop(filepath.Join(dir, "g"), "two")
	r.await("job", 2)

	end()
	if err := os.Mkdir(filepath.Join(r.root, "hung/in"), 0o755); err != nil {
		t.Fatal(err)
	}
	r.write(filepath.Join(r.root, "hung/in", "f"), "three")
	for n := range hung {
		r.await(fmt.Sprint("hung-", n), 1)
		r.awaitState(fmt.Sprint("hung-", n), func(s events.WatchState) bool { return s.State == "live" })
	}
	stop()
}

func TestRunEndsWhileAMountHangs(t *testing.T) {
	t.Parallel()
	r := newHarness(t, eventstest.Options{})
	r.cfg.Hang = time.Second
	end := mountHung(t, r.dir("hung"))
	r.job("hung", "hung/in", nil)
	stop := r.start()
	r.awaitState("hung", func(s events.WatchState) bool { return s.State == "blocked" })
	stop() // does not wait for what hangs: the test's own limit would end it
	r.awaitLog("left behind")
	end() // and now nothing is left behind
}
