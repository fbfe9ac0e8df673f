package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sassoftware/go-rpmutils"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return "(" + err.Error() + ")"
	}
	return string(text)
}

// packages is where make package-test has put them.
func packages(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("SPOOL_PACKAGES")
	if dir == "" {
		t.Skip("make package-test runs it")
	}
	return dir
}

func packageOf(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(packages(t), pattern))
	must(t, err)
	if len(found) != 1 {
		t.Fatalf("%s: %v", pattern, found)
	}
	return found[0]
}

// Packed again, from the same programs, every byte is the same.
func TestPackageIsReproducible(t *testing.T) {
	dir := packages(t)
	info, err := os.Stat(filepath.Join(dir, "SHA256SUMS"))
	must(t, err)
	var list bom
	must(t, json.Unmarshal([]byte(read(t, dir, filepath.Base(packageOf(t, "*.cdx.json")))), &list))
	date, err := time.Parse(time.RFC3339, list.Metadata.Timestamp)
	must(t, err)
	if !info.ModTime().After(date) {
		t.Fatal("the commit is from the future")
	}
	o := options{
		root: "../../..", programs: filepath.Join(filepath.Dir(dir), "programs"), out: filepath.Join(t.TempDir(), "again"),
		version: list.Metadata.Component.Version, commit: list.Metadata.Component.Properties[0].Value, date: date, arches: []string{runtime.GOARCH},
	}
	must(t, pack(o))
	if first, second := read(t, dir, "SHA256SUMS"), read(t, o.out, "SHA256SUMS"); first != second {
		t.Errorf("packed twice:\n%s\n%s", first, second)
	}
	for line := range strings.Lines(read(t, dir, "SHA256SUMS")) {
		sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		if got := fmt.Sprintf("%x", sha256.Sum256([]byte(read(t, dir, name)))); got != sum {
			t.Errorf("%s: SHA256SUMS is wrong", name)
		}
	}
}

// The tarball runs as it is unpacked, by a user who exists nowhere, in a root with a shell and
// nothing else: what the container image is, too.
func TestPackageTarballInARoot(t *testing.T) {
	root := newRoot(t)
	name := packageOf(t, "*.tar.gz")
	out, err := exec.Command("tar", "-xzf", name, "-C", root, "--strip-components=1", "--no-same-owner").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	processes(t, root)
}

// The .rpm: its header, its files and their bytes, as a library of others reads them, started in
// such a root as well. No rpm runs it: its scripts are those of the .deb.
func TestPackageRPM(t *testing.T) {
	f, err := os.Open(packageOf(t, "*.rpm"))
	must(t, err)
	defer f.Close()
	rpm, err := rpmutils.ReadRpm(f)
	must(t, err)
	for tag, want := range map[int]string{rpmutils.NAME: "spool", rpmutils.LICENSE: "Apache-2.0", rpmutils.BUILDHOST: "reproducible", rpmutils.PAYLOADCOMPRESSOR: "zstd"} {
		if got, err := rpm.Header.GetString(tag); err != nil || got != want {
			t.Errorf("tag %d is %q (%v), want %q", tag, got, err, want)
		}
	}
	for _, tag := range []int{rpmutils.POSTIN, rpmutils.PREUN, rpmutils.POSTUN} {
		if got, err := rpm.Header.GetString(tag); err != nil || !strings.HasPrefix(got, "#!/bin/sh") {
			t.Errorf("script %d is %q (%v)", tag, got, err)
		}
	}
	infos, err := rpm.Header.GetFiles()
	must(t, err)
	modes := map[string]int{}
	for _, info := range infos {
		modes[info.Name()] = info.Mode() & 0o7777
		if info.UserName() != "root" || info.GroupName() != "root" {
			t.Errorf("%s belongs to %s:%s", info.Name(), info.UserName(), info.GroupName())
		}
	}
	for path, mode := range map[string]int{"/usr/bin/spool": 0o755, "/etc/spool/spool.env": 0o640, "/usr/lib/systemd/system/spool.service": 0o644, "/usr/lib/systemd/system/spool@runner.service.d/flows.conf": 0o644} {
		if modes[path] != mode {
			t.Errorf("%s has mode %o, want %o", path, modes[path], mode)
		}
	}
	root := newRoot(t)
	must(t, rpm.ExpandPayload(root))
	for path, mode := range modes { // the library leaves modes to others
		must(t, os.Chmod(filepath.Join(root, path), os.FileMode(mode)))
	}
	processes(t, root)
}

// newRoot makes a root folder with a shell, cat, what they load, and nothing else.
func newRoot(t *testing.T) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("NOT SHOWN: chroot takes root")
	}
	root := t.TempDir()
	must(t, os.Chmod(root, 0o755))
	for _, program := range []string{"/bin/sh", "/bin/cat"} {
		need := []string{program}
		out, err := exec.Command("ldd", program).Output()
		if err != nil {
			t.Skipf("NOT SHOWN: what %s loads is not known (ldd: %v)", program, err)
		}
		for word := range strings.FieldsSeq(string(out)) {
			if strings.HasPrefix(word, "/") {
				need = append(need, word)
			}
		}
		for _, path := range need {
			text, err := os.ReadFile(path)
			must(t, err)
			to := filepath.Join(root, path)
			must(t, os.MkdirAll(filepath.Dir(to), 0o755))
			must(t, os.WriteFile(to, text, 0o755))
		}
	}
	for _, dir := range []string{"dev", "proc", "tmp", "etc", "data"} {
		must(t, os.MkdirAll(filepath.Join(root, dir), 0o755))
	}
	must(t, os.Chmod(filepath.Join(root, "tmp"), 0o1777))
	must(t, os.Chown(filepath.Join(root, "data"), 65532, 65532))
	for name, minor := range map[string]int{"null": 3, "zero": 5, "full": 7, "random": 8, "urandom": 9} {
		must(t, syscall.Mknod(filepath.Join(root, "dev", name), syscall.S_IFCHR|0o666, 1<<8|minor))
		must(t, os.Chmod(filepath.Join(root, "dev", name), 0o666))
	}
	must(t, syscall.Mount("proc", filepath.Join(root, "proc"), "proc", 0, ""))
	t.Cleanup(func() { _ = syscall.Unmount(filepath.Join(root, "proc"), syscall.MNT_DETACH) })
	return root
}

// processes starts spool in a root as user 65532 and has a file processed.
func processes(t *testing.T, root string) {
	t.Helper()
	dir := filepath.Join(root, "data/drives/admin/repo/fs/D/in")
	must(t, os.MkdirAll(dir, 0o755))
	for d := dir; d != filepath.Join(root, "data"); d = filepath.Dir(d) {
		must(t, os.Chown(d, 65532, 65532))
	}
	listen := "127.0.0.1:" + strconv.Itoa(27000+os.Getpid()%1000)
	spool := func(args ...string) *exec.Cmd {
		cmd := exec.Command("/usr/bin/spool", args...)
		cmd.Dir, cmd.Env = "/data", []string{"PATH=/usr/bin:/bin", "HOME=/data", "SPOOL_DATA=/data"}
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: 65532, Gid: 65532}, Pdeathsig: syscall.SIGKILL}
		return cmd
	}
	server := spool("serve", "--listen", listen, "--reserve", "none")
	var log strings.Builder
	server.Stderr = &log
	must(t, server.Start())
	defer func() {
		_ = server.Process.Signal(syscall.SIGTERM)
		if err := server.Wait(); err != nil {
			t.Errorf("stopped with %v:\n%s", err, log.String())
		}
	}()
	run := func(args ...string) string {
		t.Helper()
		out, err := spool(args...).CombinedOutput()
		if err != nil {
			_ = server.Process.Kill()
			t.Fatalf("spool %v: %v: %s", args, err, out)
		}
		return string(out)
	}
	run("ready", "--wait", "60s", "--url", "http://"+listen)
	run("jobs", "create", "hello", "--input", "admin/repo/fs/D/in", "--output-folder", "admin/repo/fs/D/out", "--command", `cat "$SPOOL_FILE"; cat "$SPOOL_FILE" >copy`)
	must(t, os.WriteFile(filepath.Join(dir, "a.txt"), []byte("hello"), 0o644))
	for {
		found, _ := filepath.Glob(filepath.Join(root, "data/drives/admin/repo/fs/D/out/*/copy"))
		if len(found) == 1 {
			if text, _ := os.ReadFile(found[0]); string(text) == "hello" {
				break
			}
		}
		select {
		case <-t.Context().Done():
			t.Fatal("interrupted")
		case <-time.After(100 * time.Millisecond):
		}
	}
	if list := run("runs", "list", "hello"); !strings.Contains(list, "ok") {
		t.Errorf("the run: %s", list)
	}
	res, err := http.Get("http://" + listen + "/readyz")
	must(t, err)
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	t.Logf("in a root of its own, user 65532: %s", text)
}
