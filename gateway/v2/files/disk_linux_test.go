package files_test

import (
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A disk that is full, or may not be written, needs a file system of its own:
// the test runs again in a name space in which it may mount one.
func TestDisk(t *testing.T) {
	const inside = "SPOOL_TEST_IN_NAMESPACE"
	if os.Getenv(inside) != "" {
		disk(t)
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestDisk$", "-test.v")
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSPC) {
		t.Skipf("this machine allows no name spaces (%v): full and read-only disks are not tested", err)
	}
	if err != nil || !strings.Contains(string(out), "--- PASS: TestDisk") {
		t.Fatalf("%v\n%s", err, out)
	}
}

func disk(t *testing.T) {
	base := t.TempDir()
	dir := filepath.Join(base, "a/b/fs/D")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	mount := func(flags uintptr) {
		t.Helper()
		if err := syscall.Mount("tmpfs", dir, "tmpfs", flags, "size=1m"); err != nil {
			t.Fatal(err)
		}
	}
	mount(0)
	t.Cleanup(func() { _ = syscall.Unmount(dir, 0) })
	b := newHarness(t, base, 0)
	ask := func(method, name, body string) (int, string) {
		t.Helper()
		return b.send(method, name, strings.NewReader(body))
	}

	if code, body := ask(http.MethodPut, "small", "small"); code != http.StatusNoContent {
		t.Fatalf("a small file: %d %s", code, body)
	}
	code, body := ask(http.MethodPut, "in/large", strings.Repeat("x", 2<<20))
	if code != http.StatusInsufficientStorage || !strings.Contains(body, "is full") {
		t.Errorf("a file larger than the disk: %d %s", code, body)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("%v is left, %v", entries, err)
	}
	mount(syscall.MS_REMOUNT | syscall.MS_RDONLY)
	for method, name := range map[string]string{http.MethodPut: "x", http.MethodDelete: "small"} {
		if code, body := ask(method, name, "x"); code != http.StatusForbidden || !strings.Contains(body, "read-only") {
			t.Errorf("%s on a disk that is read-only: %d %s", method, code, body)
		}
	}
	if code, body := ask(http.MethodGet, "small", ""); code != http.StatusOK || body != "small" {
		t.Errorf("after all: %d %s", code, body)
	}
}
