package location_test

import (
	"os"
	"path/filepath"
	"testing"

	"spool.internal/events/location"
)

func of(t *testing.T, path string) location.Location {
	t.Helper()
	l, err := location.Of(path)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestOf(t *testing.T) {
	dir := t.TempDir()
	at := func(names ...string) string { return filepath.Join(append([]string{dir}, names...)...) }
	for _, err := range []error{
		os.MkdirAll(at("in", "deep"), 0o755),
		os.MkdirAll(at("inside"), 0o755),
		os.MkdirAll(at("sp ace"), 0o755),
		os.Symlink("in", at("link")),
		os.Symlink(at("in", "deep"), at("absolute")),
		os.Symlink("gone", at("dangling")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		p, q   string
		within bool
	}{
		{"in", "in", true},
		{"in/deep", "in", true},
		{"in", "in/deep", false},
		{"inside", "in", false},
		{"link", "in", true},
		{"in", "link", true},
		{"link/deep", "in/deep", true},
		{"absolute", "in", true},
		{"absolute", "link/deep", true},
		{"link/none/further", "in", true},
		{"link/none/further", "in/none", true},
		{"in/none", "link/none/further", false},
		{"link/none", "in/deep", false},
		{"dangling", "in", false},
		{"dangling/x", "dangling", true},
		{"sp ace/x", "sp ace", true},
		{"none/x", "non", false},
	} {
		if got := of(t, at(tc.p)).Within(of(t, at(tc.q))); got != tc.within {
			t.Errorf("%s within %s: %v, want %v", tc.p, tc.q, got, tc.within)
		}
	}
	deep := of(t, at("link", "deep"))
	if !deep.Up(1).Is(of(t, at("in"))) || !deep.Up(2).Is(of(t, dir)) || deep.Name() != "deep" || deep.Up(deep.Depth()).Depth() != 0 {
		t.Errorf("the parents of %+v are %+v, %+v", deep, deep.Up(1), deep.Up(2))
	}
	if a, b := of(t, at("link", "deep")).Key(), of(t, at("absolute")).Key(); a != b {
		t.Errorf("keys of one folder: %q, %q", a, b)
	}
}
