package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// A mount, made after the job, that leads its output back.
func TestLongLateMount(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long runs it")
	}
	t.Parallel()
	l := newLooped(t)
	id := l.watch("m", "m/in", "m/out", nil)
	l.eventually("live", func() bool {
		var j shownJob
		l.get("/api/v2/jobs/"+id, &j)
		return j.Watch.State == "live"
	})
	out := filepath.Join(l.dir, "m/out")
	if err := os.MkdirAll(out, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount(filepath.Join(l.dir, "m/in"), out, "", syscall.MS_BIND, ""); err != nil {
		t.Skipf("this process may not mount: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(out, syscall.MNT_DETACH) })
	l.drop("m/in/x")
	if state := l.held(id, 1); state.Ring != "m → m" {
		t.Errorf("shown is %q", state.Ring)
	}
	l.wantRuns(id, 1)
}
