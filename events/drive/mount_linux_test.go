package drive

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A mount is no way into the data folder either. The test runs again in a name
// space in which it may mount.
func TestMounts(t *testing.T) {
	const inside = "SPOOL_TEST_IN_NAMESPACE"
	if os.Getenv(inside) != "" {
		mounts(t)
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMounts$", "-test.v")
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSPC) {
		t.Skipf("this machine allows no name spaces (%v): mounts into drives are not tested", err)
	}
	if err != nil || !strings.Contains(string(out), "--- PASS: TestMounts") {
		t.Fatalf("%v\n%s", err, out)
	}
}

func mounts(t *testing.T) {
	top := folders(t, "data/runs/r", "data/nats", "a/in/data", "a/in/runs", "a/in/top", "a/in/else", "b", "c", "d", "e", "else/deep")
	secret := filepath.Join(top, "data/admin.token")
	for _, file := range []string{secret, filepath.Join(top, "data/runs/r/run.log"), filepath.Join(top, "else/deep/file"), filepath.Join(top, "a/in/token")} {
		if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	bind := func(from, to string) {
		t.Helper()
		if err := syscall.Mount(filepath.Join(top, from), filepath.Join(top, to), "", syscall.MS_BIND, ""); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = syscall.Unmount(filepath.Join(top, to), syscall.MNT_DETACH) })
	}
	bind("data", "a/in/data")
	bind("data/runs", "a/in/runs")
	bind("data/admin.token", "a/in/token")
	bind("else", "a/in/else")
	bind("data", "b")
	bind("data/nats", "c")
	bind(".", "d")
	var mappings []string
	for drive := range strings.FieldsSeq("a b c d e") {
		mappings = append(mappings, "o/r/fs/"+drive+"="+filepath.Join(top, drive))
	}
	for _, m := range mappings[1:4] {
		d, err := New(filepath.Join(top, "data/drives"), []string{m})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Guard(filepath.Join(top, "data")); err == nil || !strings.Contains(err.Error(), "data folder") {
			t.Errorf("%s: %v", m, err)
		}
	}
	d, err := New(filepath.Join(top, "data/drives"), mappings[:1])
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Guard(filepath.Join(top, "data")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]error{
		"in": nil, "in/else": nil, "in/else/deep/file": nil, "in/data": ErrKept, "in/data/admin.token": ErrKept, "in/data/runs/r/run.log": ErrKept,
		"in/runs": ErrKept, "in/runs/r/run.log": ErrKept, "in/token": ErrKept,
	} {
		all := each(d, parse(t, "o/r/fs/a/"+name))
		if strings.HasSuffix(name, "file") || strings.HasSuffix(name, "log") || strings.HasSuffix(name, "token") {
			delete(all, "OpenDir") // no folder
			delete(all, "Create")
		}
		for way, err := range all {
			if !errors.Is(err, want) {
				t.Errorf("%s of %s: %v, want %v", way, name, err, want)
			}
		}
	}
}
