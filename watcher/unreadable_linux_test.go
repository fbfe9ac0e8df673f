package watcher_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

// A folder that may not be read is a visible state, and taken once it may. Root
// may read everything, so its test is run by the user nobody.
func TestUnreadableFolder(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		asNobody(t)
		return
	}
	r := newHarness(t, eventstest.Options{})
	dir := r.dir("in")
	r.write(filepath.Join(dir, "f"), "one")
	r.check(os.Chmod(dir, 0))
	t.Cleanup(func() { _ = os.Chmod(dir, 0o755) })
	r.job("job", "in", nil)
	r.start()
	r.awaitState("job", func(s events.WatchState) bool {
		return s.State == "blocked" && strings.Contains(s.Reason, "may not be read") && s.HostPath == dir
	})
	r.check(os.Chmod(dir, 0o755))
	r.await("job", 1)
	r.awaitState("job", func(s events.WatchState) bool { return s.State == "live" })
}

// asNobody runs the test once more, in a process of the user nobody.
func asNobody(t *testing.T) {
	place, err := os.MkdirTemp("", "spool-nobody-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(place) })
	if err := os.Chmod(place, 0o777); err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(place, "test")
	if err := os.WriteFile(path, program, 0o755); err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), path, "-test.run", "^"+t.Name()+"$", "-test.v")
	child.Dir, child.Env = place, append(os.Environ(), "TMPDIR="+place, "HOME="+place)
	child.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if out, err := child.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("%v\n%s", err, out)
	}
}
