package watcher_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

// A file system mounted over the folder, and taken away again, is not reported: the check of the folder's identity finds
// out.
func TestFolderMountedOver(t *testing.T) {
	t.Parallel()
	r := newHarness(t, eventstest.Options{})
	dir := r.dir("in")
	r.job("job", "in", nil)
	r.start()
	r.awaitLive("job")
	if err := unix.Mount("over", dir, "tmpfs", 0, ""); err != nil {
		t.Skipf("not run: this process may not mount a file system (it takes CAP_SYS_ADMIN): %v", err)
	}
	mounted := true
	unmount := func() {
		if mounted {
			mounted = false
			r.check(unix.Unmount(dir, unix.MNT_DETACH))
		}
	}
	t.Cleanup(unmount)
	r.write(filepath.Join(dir, "over"), "x")
	r.await("job", 1)
	r.renameIn(filepath.Join(dir, "hinted"), "x") // and it is watched now
	r.await("job", 2)
	unmount()
	r.write(filepath.Join(dir, "under"), "x")
	r.await("job", 3)
}

// renameIn puts a file in a folder by a rename within it: the folder is on another file system than the drive.
func (r *harness) renameIn(path, content string) {
	r.Helper()
	r.write(path+".tmp", content)
	r.check(os.Rename(path+".tmp", path))
}

// Where the system refuses more watches the folder is polled, and says what to
// raise. The limit is set in a user namespace of a process of its own.
func TestNoMoreWatches(t *testing.T) {
	t.Parallel()
	const inside, limit = "SPOOL_TEST_NO_WATCHES", "/proc/sys/user/max_inotify_watches"
	if os.Getenv(inside) == "" {
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v")
		child.Env = append(os.Environ(), inside+"=1")
		ids := []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		child.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: ids}
		out, err := child.CombinedOutput()
		if errors.Is(err, syscall.EPERM) || strings.Contains(string(out), "--- SKIP") {
			t.Skipf("not run: this process may make no user namespace, or set no limit in it: %v\n%s", err, out)
		}
		if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	if err := os.WriteFile(limit, []byte("0"), 0); err != nil {
		t.Skip(err)
	}
	r := newHarness(t, eventstest.Options{})
	dir := r.dir("in")
	r.job("job", "in", nil)
	r.start()
	r.awaitState("job", func(s events.WatchState) bool {
		return s.State == "poll" && s.Reason == "no directory watch is left for this user: raise fs.inotify.max_user_watches (sysctl)"
	})
	r.write(filepath.Join(dir, "f"), "one")
	r.await("job", 1)
	r.check(os.WriteFile(limit, []byte("1000"), 0))
	r.awaitState("job", func(s events.WatchState) bool { return s.State == "live" && s.Reason == "" })
}
