package drive

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"spool.internal/events"
)

// lay makes a drive with files ("name": content) and links ("name": "-> target"),
// and gives the drives, the logical root and the host's.
func lay(t *testing.T, content map[string]string, links map[string]string) (*Drives, events.Path, string) {
	t.Helper()
	d, err := New(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	root := parse(t, "a/b/fs/D")
	host := d.HostPath(root)
	for name, text := range content {
		file := filepath.Join(host, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range links {
		if err := os.Symlink(target, filepath.Join(host, name)); err != nil {
			t.Fatal(err)
		}
	}
	return d, root, host
}

// each opens a path in every way there is.
func each(d *Drives, p events.Path) map[string]error {
	all := map[string]error{}
	note := func(way string, f io.Closer, err error) {
		if err == nil {
			err = f.Close()
		}
		all[way] = err
	}
	f, err := d.OpenPath(p)
	note("OpenPath", f, err)
	f, err = d.OpenFile(p)
	note("OpenFile", f, err)
	dir, err := d.OpenDir(p)
	note("OpenDir", dir, err)
	dir, err = d.Create(p)
	note("Create", dir, err)
	_, all["Stat"] = d.Stat(p)
	return all
}

func TestLinks(t *testing.T) {
	d, root, _ := lay(t, map[string]string{
		"in/file": "x", ".spool/job/one/input/file": "secret", "deep/er/.spool-upload-1/file": "half",
	}, map[string]string{
		"in/up": "..", "in/out": "../..", "in/far": "../../../../../../etc", "in/abs": "/etc", "in/self": "self",
		"again": "in/../in", "s": ".spool", "S": "./in/../.spool/job", "in/one": "../.spool/job/one/input", "u": "deep/er",
		"in/s2": "../s/job", "proc": "/proc/self/root",
	})
	for name, want := range map[string]error{
		"in": nil, "again": nil, "in/up/in": nil, "in/up": nil, ".spool/job/one/input": nil, "u": nil,
		"in/out": ErrOutside, "in/far": ErrOutside, "in/abs": ErrOutside, "in/abs/ssl": ErrOutside, "proc": ErrOutside, "proc/etc": ErrOutside,
		"s": ErrReserved, "s/job": ErrReserved, "S/one/input": ErrReserved, "in/one": ErrReserved, "in/s2": ErrReserved,
		"again/up/.spool/job": ErrReserved, "u/.spool-upload-1": ErrReserved, "u/.SPOOL": ErrReserved,
	} {
		for way, err := range each(d, root.Join(name)) {
			if !errors.Is(err, want) {
				t.Errorf("%s of %s: %v, want %v", way, name, err, want)
			}
		}
	}
	if _, err := d.OpenPath(root.Join("in/self")); err == nil || errors.Is(err, ErrChanging) {
		t.Errorf("a link to itself: %v", err)
	}
}

// What has a reserved name is no link: stages would be built, and removed, where it leads.
func TestReservedNameIsALink(t *testing.T) {
	d, root, _ := lay(t, map[string]string{"mine/job/one/input/file": "x"}, map[string]string{".spool": "mine"})
	for way, err := range each(d, root.Join(".spool/job/one/input")) {
		if !errors.Is(err, ErrReserved) {
			t.Errorf("%s: %v", way, err)
		}
	}
}

func TestCreate(t *testing.T) {
	d, root, host := lay(t, map[string]string{"real/file": "x"}, map[string]string{"to": "real", "nowhere": "absent"})
	dir, err := d.Create(root.Join("to/new/er"))
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	if _, err := os.Stat(filepath.Join(host, "real/new/er")); err != nil {
		t.Error(err)
	}
	if _, err := d.Create(root.Join("nowhere/new")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("below a link that leads nowhere: %v", err)
	}
	if _, err := os.Lstat(filepath.Join(host, "absent")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what a link says was made: %v", err)
	}
	if _, err := d.Create(root.Join("real/file/x")); err == nil || errors.Is(err, ErrChanging) {
		t.Errorf("below a file: %v", err)
	}
}

func TestIsRoot(t *testing.T) {
	d, root, _ := lay(t, map[string]string{"in/file": "x"}, map[string]string{"me": ".", "in/up": ".."})
	for name, want := range map[string]bool{"in": false, "me": true, "in/up": true, "me/in": false} {
		dir, err := d.OpenDir(root.Join(name))
		if err != nil {
			t.Fatal(err)
		}
		if is, err := d.IsRoot(root, dir); is != want || err != nil {
			t.Errorf("%s: %v %v", name, is, err)
		}
		_ = dir.Close()
	}
}

// While somebody puts links and folders in turn at a name on the way, nothing
// is ever opened that a link leads to which must not.
func TestSwaps(t *testing.T) {
	const swaps = 1200
	for _, target := range []string{"../.spool/job", "../../../../../../secret", "/etc"} {
		d, root, host := lay(t, map[string]string{
			"in/x/file": "mine", "kept/file": "mine", ".spool/job/x/file": "secret", ".spool/job/file": "secret",
		}, nil)
		if err := os.MkdirAll(filepath.Join(host, "../../../../../secret/x"), 0o755); err != nil {
			t.Fatal(err)
		}
		stop := make(chan struct{})
		var swapper sync.WaitGroup
		swapper.Go(func() {
			in, aside := filepath.Join(host, "in"), filepath.Join(host, "aside")
			for {
				_ = os.Rename(in, aside)
				_ = os.Symlink(target, in)
				select {
				case <-stop:
					return
				default:
				}
				_ = os.RemoveAll(in)
				_ = os.Rename(aside, in)
			}
		})
		for range swaps {
			if f, err := d.OpenFile(root.Join("in/x/file")); err == nil {
				if text, _ := io.ReadAll(f); string(text) != "mine" {
					t.Fatalf("with %s: read %q", target, text)
				}
				_ = f.Close()
			}
			dir, err := d.Create(root.Join("in/x"))
			if err != nil {
				continue
			}
			if text, err := dir.ReadFile("file"); err == nil && string(text) != "mine" {
				t.Fatalf("with %s: read %q in a folder", target, text)
			}
			_ = dir.Close()
		}
		close(stop)
		swapper.Wait()
		if _, err := os.Stat("/etc/x"); err == nil {
			t.Fatal("a folder was made outside")
		}
	}
}
