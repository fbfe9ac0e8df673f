//go:build unix

package drive

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"spool.internal/events"
)

// folders makes folders below a new one, and links ("name -> target").
func folders(t *testing.T, all ...string) string {
	t.Helper()
	top, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range all {
		name, target, link := strings.Cut(name, " -> ")
		err := os.MkdirAll(filepath.Join(top, filepath.Dir(name)), 0o755)
		if err == nil && link {
			err = os.Symlink(strings.ReplaceAll(target, "TOP", top), filepath.Join(top, name))
		} else if err == nil {
			err = os.MkdirAll(filepath.Join(top, name), 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return top
}

func TestGuardAtTheStart(t *testing.T) {
	for _, c := range []struct {
		name    string
		there   []string
		drives  string // below the top; empty = data/drives
		drive   []string
		refused string
	}{
		{"apart", []string{"data", "a", "ab"}, "", []string{"D=a", "E=ab"}, ""},
		{"a folder that is not there yet", []string{"data"}, "", []string{"D=later", "E=later2"}, ""},
		{"two names of one folder", []string{"data", "a", "l -> a"}, "", []string{"D=a", "E=a", "F=l"}, ""},
		{"one inside the other", []string{"data", "a/x"}, "", []string{"D=a", "E=a/x"}, "lies inside"},
		{"one inside the other, other order", []string{"data", "a/x"}, "", []string{"E=a/x", "D=a"}, "lies inside"},
		{"inside the other, not there yet", []string{"data"}, "", []string{"D=a", "E=a/x/y"}, "lies inside"},
		{"inside the other by a link", []string{"data", "a/x", "l -> TOP/a/x"}, "", []string{"D=a", "E=l"}, "lies inside"},
		{"inside the other by a link above", []string{"data", "a/x/y", "l -> a/x"}, "", []string{"E=l/y", "D=a"}, "lies inside"},
		{"the data folder", []string{"data"}, "", []string{"D=data"}, "data folder"},
		{"holds the data folder", []string{"data"}, "", []string{"D=."}, "data folder"},
		{"holds the data folder by a link", []string{"data", "x/l -> TOP"}, "", []string{"D=x/l"}, "data folder"},
		{"root", []string{"data"}, "", []string{"D=/"}, "data folder"},
		{"in the data folder", []string{"data/runs/x"}, "", []string{"D=data/runs/x"}, "data folder"},
		{"in the data folder by a link", []string{"data/runs", "l -> data/runs"}, "", []string{"D=l"}, "data folder"},
		{"nats by a link", []string{"data/nats", "l -> data/nats"}, "", []string{"D=l"}, "data folder"},
		{"the demo's folder", []string{"data/demo"}, "", []string{"D=data/demo"}, ""},
		{"in the demo's folder", []string{"data/demo/in"}, "", []string{"D=data/demo/in"}, "data folder"},
		{"the demo's folder is a link", []string{"data/runs", "data/demo -> runs"}, "", []string{"D=data/demo"}, "data folder"},
		{"the folder of all drives", []string{"data/drives"}, "", []string{"D=data/drives"}, "holds other"},
		{"a part of the folder of all drives", []string{"data/drives/o/r"}, "", []string{"D=data/drives/o/r"}, "holds other"},
		{"a second name of one of all drives", []string{"data/drives/o/r/fs/X"}, "", []string{"D=data/drives/o/r/fs/X"}, ""},
		{"in one of all drives", []string{"data/drives/o/r/fs/X/in"}, "", []string{"D=data/drives/o/r/fs/X/in"}, "lies inside"},
		{"all drives elsewhere", []string{"data", "all/o/r/fs/X"}, "all", nil, ""},
		{"all drives in the data folder", []string{"data/runs"}, "data/runs", nil, "data folder"},
		{"all drives hold the data folder", []string{"data"}, ".", nil, ""},
		{"a drive of all holds the data folder", []string{"all/o/r/fs/X/y/l -> TOP/data", "all/o/r/fs/Y -> TOP", "data"}, "all", nil, "data folder"},
		{"a drive of all is a link into the data folder", []string{"data/runs", "all/o/r/fs/X -> TOP/data/runs"}, "all", nil, "data folder"},
		{"a drive of all is a link into another", []string{"data", "all/o/r/fs/X/in", "all/p/r/fs/Y -> TOP/all/o/r/fs/X/in"}, "all", nil, "lies inside"},
		{"an owner is a link into the data folder", []string{"data/x/r/fs/Y", "all/p -> TOP/data/x"}, "all", nil, "data folder"},
		{"a drive of all is a link elsewhere", []string{"data", "else", "all/o/r/fs/X -> TOP/else"}, "all", nil, ""},
		{"data is a link", []string{"real/runs", "data -> real"}, "", []string{"D=real/runs"}, "data folder"},
		{"all drives are a link", []string{"big", "data/drives -> TOP/big"}, "", []string{"D=a"}, ""},
		{"all drives are a link to the data folder", []string{"data/drives -> .", "data/o/r/fs/X"}, "", nil, "data folder"},
	} {
		t.Run(c.name, func(t *testing.T) {
			top := folders(t, c.there...)
			data := filepath.Join(top, "data")
			base := filepath.Join(data, "drives")
			if c.drives != "" {
				base = filepath.Join(top, c.drives)
			}
			var mappings []string
			for _, m := range c.drive {
				name, dir, _ := strings.Cut(m, "=")
				if dir != "/" {
					dir = filepath.Join(top, dir)
				}
				mappings = append(mappings, "o/r/fs/"+name+"="+dir)
			}
			d, err := New(base, mappings)
			if err != nil {
				t.Fatal(err)
			}
			err = d.Guard(data)
			if c.refused == "" && err != nil || c.refused != "" && (events.CodeOf(err) != events.Invalid || !strings.Contains(err.Error(), c.refused)) {
				t.Errorf("Guard: %v, want %q", err, c.refused)
			}
		})
	}
}

// What comes after the start is refused when it is opened.
func TestGuardLater(t *testing.T) {
	top := folders(t, "data/runs", "a", "all")
	d, err := New(filepath.Join(top, "all"), []string{"o/r/fs/D=" + filepath.Join(top, "a"), "o/r/fs/E=" + filepath.Join(top, "later")})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Guard(filepath.Join(top, "data")); err != nil {
		t.Fatal(err)
	}
	link := func(target, name string) {
		t.Helper()
		name = filepath.Join(top, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.Symlink(target, name)); err != nil {
			t.Fatal(err)
		}
	}
	for target, name := range map[string]string{"data": "p/r/fs/1", "data/runs": "p/r/fs/2", ".": "p/r/fs/3", "a/in": "p/r/fs/4", "all": "p/r/fs/5", "all/p": "p/r/fs/6"} {
		if err := os.MkdirAll(filepath.Join(top, "a/in"), 0o755); err != nil {
			t.Fatal(err)
		}
		if dir, err := d.OpenDir(parse(t, "o/r/fs/D")); err != nil { // so that it is known
			t.Fatal(err)
		} else {
			_ = dir.Close()
		}
		link(filepath.Join(top, target), "all/"+name)
		for way, err := range each(d, parse(t, name)) {
			if !errors.Is(err, ErrKept) {
				t.Errorf("%s of a drive that is a link to %s: %v", way, target, err)
			}
		}
	}
	link("data", "later")
	if _, err := d.OpenDir(parse(t, "o/r/fs/E")); !errors.Is(err, ErrKept) {
		t.Errorf("a mapping that came as a link to the data folder: %v", err)
	}
	if why := d.Why(parse(t, "o/r/fs/E"), ErrKept); !strings.Contains(why, "data folder") {
		t.Errorf("Why: %s", why)
	}
}

// A secret is not read under another name either.
func TestSecretsUnderOtherNames(t *testing.T) {
	top := folders(t, "data/nats", "a/in", "etc")
	drives, err := New(filepath.Join(top, "data/drives"), []string{"o/r/fs/D=" + filepath.Join(top, "a")})
	if err != nil {
		t.Fatal(err)
	}
	if err := drives.Guard(filepath.Join(top, "data"), filepath.Join(top, "etc/tls.key"), filepath.Join(top, "a/in/mail.url")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(top, "a/in/mail.url"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := drives.OpenFile(parse(t, "o/r/fs/D/in/mail.url")); !errors.Is(err, ErrKept) {
		t.Errorf("a secret that lies on a drive: %v", err)
	}
	secrets := []string{"data/admin.token", "data/seal.key", "data/service.creds", "data/nats/keys.json", "etc/tls.key"}
	for _, name := range secrets { // made after the start
		file := filepath.Join(top, name)
		if err := errors.Join(os.WriteFile(file, []byte("secret"), 0o600), os.Link(file, filepath.Join(top, "a/in", filepath.Base(name)))); err != nil {
			t.Fatal(err)
		}
	}
	plain := filepath.Join(top, "a/plain")
	if err := errors.Join(os.WriteFile(plain, []byte("mine"), 0o600), os.Link(plain, filepath.Join(top, "a/in/mine"))); err != nil {
		t.Fatal(err)
	}
	in := parse(t, "o/r/fs/D/in")
	dir, err := drives.OpenDir(in)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	for path, want := range map[string]bool{
		".": false, "data": false, "data/nats": false, "data/admin.token": false, "etc/tls.key": false, "a/in/seal.key": false,
		"a": true, "etc": true, "a/plain": true, "none": true,
	} {
		if err := drives.Clear(filepath.Join(top, path)); (err == nil) != want {
			t.Errorf("Clear of %s: %v", path, err)
		}
	}
	for _, name := range secrets {
		name = filepath.Base(name)
		if f, err := drives.OpenFile(in.Join(name)); !errors.Is(err, ErrKept) {
			text, _ := io.ReadAll(f)
			t.Errorf("%s: %v, %q", name, err, text)
		}
		f, err := dir.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := drives.Check(f); !errors.Is(err, ErrKept) {
			t.Errorf("Check of %s: %v", name, err)
		}
		_ = f.Close()
	}
	if f, err := drives.OpenFile(in.Join("mine")); err != nil {
		t.Error(err)
	} else {
		_ = f.Close()
	}
}
