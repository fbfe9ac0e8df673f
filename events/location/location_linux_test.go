package location

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// bind mounts a folder at a second path until the test ends, and skips where
// this process may not.
func bind(t *testing.T, from, to string) {
	t.Helper()
	if err := os.MkdirAll(to, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount(from, to, "", syscall.MS_BIND, ""); err != nil {
		t.Skipf("this process may not mount: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(to, syscall.MNT_DETACH) })
}

func TestMounts(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := os.MkdirAll(at("in/deep/er"), 0o755); err != nil {
		t.Fatal(err)
	}
	time.Sleep(fresh) // the ids of mounts of the test before are given again
	bind(t, at("in"), at("whole"))
	bind(t, at("in/deep"), at("a part"))
	bind(t, at("a part/er"), at("of a part"))
	for _, tc := range []struct {
		p, q   string
		within bool
	}{
		{"whole", "in", true},
		{"in", "whole", true},
		{"whole/deep", "in/deep", true},
		{"a part", "in", true},
		{"a part/none", "in/deep", true},
		{"of a part", "whole/deep", true},
		{"in", "a part", false},
		{"a part", dir, true},
	} {
		p, err := Of(at(tc.p))
		if err != nil {
			t.Fatal(err)
		}
		q := tc.q
		if q != dir {
			q = at(q)
		}
		of, err := Of(q)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Within(of); got != tc.within {
			t.Errorf("%s within %s: %v, want %v (%+v, %+v)", tc.p, tc.q, got, tc.within, p, of)
		}
	}
	if err := syscall.Unmount(at("of a part"), 0); err != nil {
		t.Fatal(err)
	}
	bind(t, at("whole"), at("of a part")) // the kernel gives it the same id
	time.Sleep(fresh)
	p, err := Of(at("of a part"))
	if err != nil {
		t.Fatal(err)
	}
	in, err := Of(at("in"))
	if err != nil || !p.Is(in) {
		t.Errorf("another mount at a path: %+v, want %+v (%v)", p, in, err)
	}
}

// Where /proc does not tell, links and identities do.
func TestNamed(t *testing.T) {
	dir := t.TempDir()
	in, link := filepath.Join(dir, "in"), filepath.Join(dir, "link")
	for _, err := range []error{os.MkdirAll(filepath.Join(in, "deep"), 0o755), os.Symlink("in", link)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	a, err := named(filepath.Join(link, "deep"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := named(in)
	if err != nil {
		t.Fatal(err)
	}
	if !a.Within(b) || b.Within(a) || len(a.ids) < 2 || a.ids[1] != b.ids[0] || !a.Up(1).Is(b) {
		t.Errorf("%+v, %+v", a, b)
	}
	a.path, b.path = "/elsewhere/deep", "/in" // as through two mounts
	if !a.Within(b) || b.Within(a) || !b.below("none").Within(b) || a.Within(b.below("none")) || !b.below("none/x").Within(b.below("none")) {
		t.Errorf("by identity: %+v, %+v", a, b)
	}
}
