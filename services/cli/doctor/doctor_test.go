package doctor

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"spool.internal/events/system"
)

func look(t *testing.T, o Options) map[string]system.Line {
	t.Helper()
	lines := map[string]system.Line{}
	for _, l := range Look(o) {
		lines[l.Name] = l
	}
	return lines
}

func want(t *testing.T, l system.Line, state system.State, means, todo string) {
	t.Helper()
	if l.State != state || !strings.Contains(l.Means, means) || !strings.Contains(l.Todo, todo) || l.State.Wrong() && l.Todo == "" {
		t.Errorf("%+v; want %s, %q, %q", l, state, means, todo)
	}
}

// folder is a data folder as a server leaves it.
func folder(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.MkdirAll(filepath.Join(dir, "drives"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"admin.token", "seal.key"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("secret"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mode(t, dir, 0o700)
	return dir
}

func mode(t *testing.T, path string, m os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, m); err != nil {
		t.Fatal(err)
	}
}

func TestDataFolder(t *testing.T) {
	dir := folder(t)
	got := look(t, Options{Data: dir})
	want(t, got["data folder"], system.OK, "Only its owner", "")
	want(t, got["disk of the drives"], system.OK, "are free", "")
	if got["disk of the store"].Means == "" {
		t.Errorf("no disk of the store: %v", got)
	}
	mode(t, dir, 0o755)
	want(t, look(t, Options{Data: dir})["data folder"], system.Warning, "though not into its files", "chmod 700")
	mode(t, filepath.Join(dir, "admin.token"), 0o644)
	l := look(t, Options{Data: dir})["data folder"]
	want(t, l, system.Failed, "read 1 of its files", "revoke the tokens")
	if !strings.Contains(l.Detail, "admin.token (0644)") || strings.Contains(l.Detail, "seal.key") || strings.Contains(l.Detail, "drives") {
		t.Errorf("named are %s", l.Detail)
	}
	mode(t, dir, 0o700) // which keeps others out of all of it
	want(t, look(t, Options{Data: dir})["data folder"], system.OK, "Only its owner", "")

	want(t, look(t, Options{Data: filepath.Join(dir, "gone")})["data folder"], system.Failed, "not there", "--data")
	want(t, look(t, Options{Data: filepath.Join(dir, "seal.key")})["data folder"], system.Failed, "no folder", "--data")
	if l, ok := look(t, Options{})["data folder"]; ok {
		t.Errorf("of a server elsewhere: %+v", l)
	}
}

func TestSandboxLine(t *testing.T) {
	lacks := func(all ...string) func() ([]string, error) { return func() ([]string, error) { return all, nil } }
	want(t, look(t, Options{Lacks: lacks()})["sandbox of this host"], system.OK, "completely", "")
	l := look(t, Options{Lacks: lacks("files: they read all; it takes Landlock", "end: they outlive; it takes a pid namespace")})["sandbox of this host"]
	want(t, l, system.Warning, "files, end cannot be kept", "user namespaces")
	if !strings.Contains(l.Detail, "it takes Landlock") {
		t.Errorf("%+v", l)
	}
	broken := func() ([]string, error) { return nil, errors.New("no process") }
	want(t, look(t, Options{Lacks: broken})["sandbox of this host"], system.Unknown, "could not be tried", "")
}

func TestCertificateLine(t *testing.T) {
	dir := folder(t)
	want(t, look(t, Options{Certificate: filepath.Join(dir, "seal.key")})["certificate"], system.Failed, "cannot be read", "--tls-cert")
}

func TestPure(t *testing.T) {
	want(t, fewFiles(1024), system.Warning, "1024 open files", "LimitNOFILE")
	want(t, fewFiles(20000), system.OK, "20000 open files", "")
	want(t, timeService(false, false, 0), system.Unknown, "cannot be told", "")
	want(t, timeService(true, false, 0), system.Unknown, "does not know of a time service", "chrony")
	want(t, timeService(true, true, 3*time.Second), system.Warning, "wrong by 3s", "timedatectl")
	want(t, timeService(true, true, time.Microsecond), system.OK, "within 1ms", "")
}
