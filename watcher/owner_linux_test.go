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

const (
	strangers = "SPOOL_TEST_STRANGERS" // names the folder of a [TestStrangersFiles] whose process is not root
	nobody    = 65534
)

// Files of somebody else give no lease, and no link where the kernel protects
// them: they wait for longer and are copied, and the log and the state say so.
// One that cannot be read waits, visibly, until it can.
func TestStrangersFiles(t *testing.T) {
	if dir := os.Getenv(strangers); dir != "" {
		strangersFiles(t, dir)
		return
	}
	if os.Getuid() != 0 {
		t.Skip("needs root, to have files of two owners")
	}
	dir, err := os.MkdirTemp("", "strangers-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	own := func(name string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(filepath.Join(dir, name), nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	own("")
	own("drive")
	own("tmp")
	in := filepath.Join(dir, "drive", "in") // root's: a folder that nobody else can write
	if err := os.Mkdir(in, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]os.FileMode{"readable": 0o644, "secret": 0o600} {
		if err := os.WriteFile(filepath.Join(in, name), []byte(name), mode); err != nil {
			t.Fatal(err)
		}
	}
	self, err := os.ReadFile(os.Args[0]) // the test's own binary lies where only its owner may go
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "test")
	if err := os.WriteFile(binary, self, 0o755); err != nil {
		t.Fatal(err)
	}
	child := exec.Command(binary, "-test.run=^TestStrangersFiles$", "-test.v")
	child.Dir = dir
	child.Env = append(os.Environ(), strangers+"="+dir, "TMPDIR="+filepath.Join(dir, "tmp"), "HOME="+dir)
	child.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	told, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	child.Stderr = child.Stdout
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	buf := make([]byte, 4096)
	for {
		n, err := told.Read(buf)
		if out.Write(buf[:n]); strings.Contains(out.String(), waitsForRight) {
			if err := os.Chmod(filepath.Join(in, "secret"), 0o644); err != nil {
				t.Error(err)
			}
		}
		if err != nil {
			break
		}
	}
	// A child that runs no test ends well, too.
	if err := child.Wait(); err != nil || !strings.Contains(out.String(), "--- PASS: "+t.Name()) {
		t.Errorf("as nobody: %v\n%s", err, out.String())
	}
}

// waitsForRight is what the child says when the unreadable file is to become readable.
const waitsForRight = "the secret waits to be readable"

func strangersFiles(t *testing.T, dir string) {
	r := newHarnessOn(t, eventstest.Options{}, filepath.Join(dir, "drive"))
	r.cfg.LinkAbove = -1
	r.job("job", "in", nil)
	r.start()
	tr := r.await("job", 1)[0]
	if got := r.staged(tr); got != "readable" || tr.File.Path != "readable" {
		t.Errorf("staged %q of %s", got, tr.File.Path)
	}
	r.awaitLog("no read leases on files here")
	r.awaitState("job", func(s events.WatchState) bool {
		return s.Pending == 1 && strings.Contains(s.Note, "no read leases")
	})
	protected, err := os.ReadFile("/proc/sys/fs/protected_hardlinks")
	r.check(err)
	if strings.TrimSpace(string(protected)) == "1" {
		r.awaitLog("they are copied")
		r.awaitState("job", func(s events.WatchState) bool { return strings.Contains(s.Note, "cannot be linked") })
		if tr.File.Linked {
			t.Error("a protected file is linked")
		}
	} else {
		t.Log("this kernel does not protect links: none was refused")
	}
	r.awaitLog("a file cannot be read: it waits")
	t.Log(waitsForRight)
	os.Stdout.WriteString(waitsForRight + "\n")
	for _, tr := range r.await("job", 2) {
		if got := r.staged(tr); got != tr.File.Path {
			t.Errorf("staged %q of %s", got, tr.File.Path)
		}
	}
	if n := strings.Count(r.log.String(), "no read leases on files here"); n != 1 {
		t.Errorf("said %d times that there are no leases", n)
	}
}
