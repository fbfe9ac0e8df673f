package cell

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// A folder that is mounted once for all flows has the files that the host has when a flow starts.
func TestASharedFolderIsAsTheHosts(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path+".new", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	for _, err := range []error{os.WriteFile(elsewhere, []byte("beside"), 0o644), os.Symlink(elsewhere, filepath.Join(dir, "link"))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	write("a", "one")
	write("ssl/b", "two")
	write("other", "not listed")
	read := []string{"/usr/share", dir + "/a", dir + "/ssl/b", dir + "/later", dir + "/link"}
	s := shareIn(dir, Room{Read: read})
	defer s.Forget()
	seen := func() string {
		t.Helper()
		tree, beside, err := s.copy()
		if err != nil {
			t.Skipf("nothing is shared here, which takes the right to mount, and Linux 6.15: %v", err)
		}
		defer unix.Close(tree)
		if !slices.Equal(beside, []string{elsewhere}) {
			t.Errorf("beside it: %q", beside)
		}
		var said strings.Builder
		for _, name := range []string{"a", "ssl/b", "later", "link", "other"} {
			path := pathOf(tree) + "/" + name
			text, err := os.ReadFile(path)
			if said.WriteString(string(text) + "|"); err == nil && os.WriteFile(path, nil, 0o644) == nil {
				t.Errorf("%s can be written to", name)
			}
		}
		return said.String()
	}
	if got := seen(); got != "one|two||beside||" {
		t.Errorf("at first: %s", got)
	}
	write("a", "replaced")
	write("later", "new")
	if got := seen(); got != "replaced|two|new|beside||" {
		t.Errorf("after changes: %s", got)
	}
	if err := os.Remove(filepath.Join(dir, "ssl/b")); err != nil {
		t.Fatal(err)
	}
	if got := seen(); got != "replaced||new|beside||" {
		t.Errorf("without a file: %s", got)
	}
}

// Where the host passes its mounts on, as systemd has it, what is mounted for flows stays out of it.
func TestMountsOfFlowsStayOutOfTheHost(t *testing.T) {
	const apart = "SPOOL_TEST_APART"
	if os.Getenv(apart) == "" { // what follows takes mounts of its own
		cmd := exec.Command("/proc/self/exe", "-test.run", "^"+t.Name()+"$", "-test.v")
		cmd.Env = append(os.Environ(), apart+"=1")
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
		if out, err := cmd.CombinedOutput(); err != nil {
			if unix.Geteuid() != 0 {
				t.Skipf("only root can mount here: %v", err)
			}
			t.Fatalf("%v: %s", err, out)
		}
		return
	}
	if err := unix.Mount("", "/", "", unix.MS_SHARED|unix.MS_REC, ""); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	// One in another, so that something is mounted on what was the host's.
	room := Room{Run: []string{"/usr", "/usr/bin"}, Read: []string{"/etc/ssl", "/etc/ssl/certs", "/etc/passwd"}, Form: Form{View: true, Shm: true, Proc: true}}
	s := NewShared(room)
	for range 2 {
		made, err := s.Root(&room)
		if err != nil {
			t.Skipf("nothing is shared here, which takes Linux 6.15: %v", err)
		}
		after, err := os.ReadFile("/proc/self/mountinfo")
		if err != nil || string(after) != string(before) {
			t.Errorf("mounted on the host: %s\nbefore: %s (%v)", after, before, err)
		}
		for _, f := range made {
			_ = f.Close()
		}
		room.Run, room.Read = []string{"/usr", "/usr/bin"}, []string{"/etc/ssl", "/etc/ssl/certs", "/etc/passwd"}
	}
	s.Forget()
}
