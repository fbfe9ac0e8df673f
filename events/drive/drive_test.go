package drive

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"spool.internal/events"
)

func parse(t *testing.T, s string) events.Path {
	t.Helper()
	p, err := events.ParsePath("path", s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestLocate(t *testing.T) {
	base, elsewhere := t.TempDir(), t.TempDir()
	d, err := New(base, []string{
		"admin/repo/fs/Instabase Drive=" + elsewhere,
		"admin/repo/fs/Instabase Drive/deep/er=" + elsewhere + "/x",
	})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"bob/r/fs/D/in": filepath.Join(base, "bob/r/fs/D/in"),
		"/admin/repo/fs/Instabase Drive/files/input/": filepath.Join(elsewhere, "files/input"),
		"admin/repo/fs/Instabase Drive":               elsewhere,
		"admin/repo/fs/Instabase Drive/deep/er/in":    filepath.Join(elsewhere, "x/in"),
		"admin/repo/fs/Instabase Drive/deep/erratic":  filepath.Join(elsewhere, "deep/erratic"),
	} {
		if got := d.HostPath(parse(t, path)); got != want {
			t.Errorf("HostPath(%q) = %q, want %q", path, got, want)
		}
	}
	if _, err := New(base, []string{"admin/repo/fs/D"}); events.CodeOf(err) != events.Invalid {
		t.Errorf("a mapping without a folder: %v", err)
	}
}

func TestNothingLeavesTheDrive(t *testing.T) {
	d, err := New(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	in := parse(t, "a/b/fs/D/in")
	root, err := d.Create(in)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if err := os.Symlink(secret, filepath.Join(d.HostPath(in), "out")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Dir(secret), filepath.Join(d.HostPath(in), "dir")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"out", "dir/secret"} {
		if _, err := d.Stat(in.Join(name)); err == nil {
			t.Errorf("%s: a link out of the drive was followed", name)
		}
	}
	if _, err := d.OpenDir(in.Join("dir")); err == nil {
		t.Error("a folder outside the drive was opened")
	}
	if _, err := d.Stat(parse(t, "a/b/fs/None/in")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a drive that is not there: %v", err)
	}
}
