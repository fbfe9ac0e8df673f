package events

import (
	"testing"
)

func TestPathForms(t *testing.T) {
	for in, want := range map[string]Path{
		"a/b/fs/D/x":            {"a/b/fs/D", "x"},
		"/a/b/fs/My Drive/x/y/": {"a/b/fs/My Drive", "x/y"},
		"a//b/fs/D/./x":         {"a/b/fs/D", "x"},
		"a/b/fs/D":              {"a/b/fs/D", ""},
	} {
		if got, err := ParsePath("p", in); err != nil || got != want {
			t.Errorf("ParsePath(%q) = %+v, %v", in, got, err)
		}
	}
	in := Path{"a/b/fs/D", "x/in"}
	for _, c := range []struct{ got, want string }{
		{in.Sibling("out").String(), "a/b/fs/D/x/out"},
		{Path{"a/b/fs/D", "in"}.Sibling("out").String(), "a/b/fs/D/out"},
		{in.Join("y", "z").String(), "a/b/fs/D/x/in/y/z"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
	for _, c := range []struct {
		p, dir string
		want   bool
	}{
		{"a/b/fs/D/x/in", "a/b/fs/D/x", true},
		{"a/b/fs/D/x", "a/b/fs/D/x", true},
		{"a/b/fs/D/xy", "a/b/fs/D/x", false},
		{"a/b/fs/E/x", "a/b/fs/D/x", false},
		{"a/b/fs/D/x", "a/b/fs/D", true},
	} {
		p, _ := ParsePath("p", c.p)
		dir, _ := ParsePath("p", c.dir)
		if p.Within(dir) != c.want {
			t.Errorf("%q within %q: %v", c.p, c.dir, !c.want)
		}
	}
}

func TestFileNamesThatAreNotText(t *testing.T) {
	for _, name := range []string{"plain", "bad\xffname", "\xf0\x28"} {
		if got := NewFile(name).RawPath(); got != name {
			t.Errorf("%q came back as %q", name, got)
		}
	}
	if f := NewFile("bad\xffname"); f.Path != "bad\ufffdname" || f.PathB64 == "" {
		t.Errorf("bad name is shown as %+v", f)
	}
}
