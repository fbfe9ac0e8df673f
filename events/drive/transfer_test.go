//go:build unix

package drive

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// twoFolders gives two folders, with a file in each.
func twoFolders(t *testing.T) (from, to *os.Root) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"from/a": "new", "to/taken": "old"} {
		if err := errors.Join(os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755), os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	var roots []*os.Root
	for _, name := range []string{"from", "to"} {
		root, err := os.OpenRoot(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { root.Close() })
		roots = append(roots, root)
	}
	return roots[0], roots[1]
}

func TestTransfer(t *testing.T) {
	t.Parallel()
	from, to := twoFolders(t)
	want := func(root *os.Root, name, text string) {
		t.Helper()
		got, err := root.ReadFile(name)
		if text == "" && !errors.Is(err, fs.ErrNotExist) || text != "" && string(got) != text {
			t.Errorf("%s: %q, %v, want %q", name, got, err, text)
		}
	}
	move := Transfer{From: from, Name: "a", To: to, As: "taken"}
	if err := move.Move(); !errors.Is(err, fs.ErrExist) {
		t.Errorf("onto a name that is taken: %v", err)
	}
	want(from, "a", "new")
	want(to, "taken", "old")
	move.Replace = true
	if err := move.Move(); err != nil {
		t.Error(err)
	}
	want(from, "a", "")
	want(to, "taken", "new")

	// Cut off between link and unlink, where a file system has no better way.
	if err := Link(to, "taken", from, "a"); err != nil {
		t.Fatal(err)
	}
	move.Replace = false
	if !move.Landed() {
		t.Error("two names of one file are not seen")
	}
	if err := move.Move(); err != nil {
		t.Error(err)
	}
	want(from, "a", "")
	want(to, "taken", "new")
	if err := move.Move(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what is gone was moved: %v", err)
	}
	for n, name := range map[int]string{1: "a.pdf", 2: "a-2.pdf"} {
		if got := Numbered("a.pdf", n); got != name {
			t.Errorf("number %d is %s", n, got)
		}
	}
}

func TestCreateBelow(t *testing.T) {
	t.Parallel()
	from, to := twoFolders(t)
	d, err := New(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(from.Name(), filepath.Join(to.Name(), "link")); err != nil {
		t.Fatal(err)
	}
	for below, fault := range map[string]string{"": "", "2026/03": "", "link/03": "a link is in the way", "taken/03": "not a directory", "../out": "leads out of the drive"} {
		made, err := d.CreateBelow(to, below)
		if fault != "" && (err == nil || !strings.Contains(err.Error(), fault)) || fault == "" && err != nil {
			t.Errorf("%q: %v, want %q", below, err, fault)
		}
		if err == nil {
			if _, err := os.Stat(filepath.Join(to.Name(), below)); err != nil {
				t.Error(err)
			}
			made.Close()
		}
	}
	if entries, err := os.ReadDir(from.Name()); err != nil || len(entries) != 1 {
		t.Errorf("something was made behind the link: %v, %v", entries, err)
	}
}
