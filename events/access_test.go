package events

import (
	"slices"
	"strings"
	"testing"
)

func TestAccess(t *testing.T) {
	for _, c := range []struct {
		grant, path string
		want        bool
	}{
		{"ann/", "ann/repo/fs/D", true},
		{"ann", "ann/repo/fs/D/in/deep", true},
		{"/ann//repo/", "ann/repo/fs/D/in", true},
		{"ann/repo/fs/D/in", "ann/repo/fs/D/in", true},
		{"ann/repo/fs/D/in/", "ann/repo/fs/D/in/x", true},
		{"ann/", "anna/repo/fs/D", false},
		{"anna/", "ann/repo/fs/D", false},
		{"ann/repo", "ann/repository/fs/D", false},
		{"ann/repo/fs/D/in", "ann/repo/fs/D/inner", false},
		{"ann/repo/fs/D/in", "ann/repo/fs/D", false},
		{"ann/", "Ann/repo/fs/D", false},
		{"\u00e9/", "e\u0301/repo/fs/D", false}, // looks the same
		{"ann/", "bob/ann/fs/D", false},
		{"ann/", "ann /repo/fs/D", false},
		{"ann/", " ann/repo/fs/D", false},
		{"ann/", "./ann/./repo//fs/D", true},
	} {
		grants, err := ReadGrants("paths", []string{c.grant})
		if err != nil {
			t.Fatal(err)
		}
		p, err := ParsePath("path", c.path)
		if err != nil {
			t.Fatal(err)
		}
		a := Access{Paths: grants}
		if err := a.Check("path", p); a.Reaches(p) != c.want || (err == nil) != c.want {
			t.Errorf("%q reaches %q: %v, %v", c.grant, c.path, a.Reaches(p), err)
		}
		if err := (Access{}).Check("path", p); CodeOf(err) != Forbidden {
			t.Errorf("nothing reaches %q: %v", c.path, err)
		}
		if err := (Access{All: true}).Check("path", p); err != nil {
			t.Error(err)
		}
	}
}

func TestReadGrants(t *testing.T) {
	for _, bad := range [][]string{nil, {}, {""}, {"/"}, {"."}, {"ann/.."}, {"../ann"}, {"ann/repo/D"}, {"ann\x00"}, {"\xff"}, {"ann/", ".."}, slices.Repeat([]string{"a/"}, MaxGrants+1)} {
		if _, err := ReadGrants("paths", bad); CodeOf(err) != Invalid || !strings.HasPrefix(err.Error(), "paths: ") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	got, err := ReadGrants("paths", []string{"ann", "/ann/", "bob/r/fs/D//in"})
	if want := []string{"ann/", "bob/r/fs/D/in/"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestCheckFile(t *testing.T) {
	a := Access{Paths: []string{"ann/r/fs/D/in/", "bob/"}}
	for dir, want := range map[string]Code{
		"ann/r/fs/D/.spool/j/f/input": "", "bob/r/fs/X/.spool/j/f/input": "",
		"ann/r/fs/D2/.spool/j/f/input": Forbidden, "bobby/r/fs/D/.spool/j/f/input": Forbidden, "..": Invalid,
	} {
		if err := a.CheckFile(&File{InputDir: dir}); CodeOf(err) != want {
			t.Errorf("%s: %v", dir, err)
		}
	}
	if err := a.CheckFile(nil); err != nil {
		t.Error(err)
	}
}

func TestCheckOwner(t *testing.T) {
	for _, good := range []string{"ann", "Ann O'Neil", "\u00e9", "日本", "a.b", "...", "-", "fs"} {
		if err := CheckOwner("owner", good); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{
		"", "*", ".", "..", "a/b", "/", " ann", "ann ", "\u00a0ann", "a\u200bb", "a\nb", "\xff", "e\u0301", "\u212b", "\u1100\u1161",
		strings.Repeat("a", maxOwner+1),
	} {
		if err := CheckOwner("owner", bad); CodeOf(err) != Invalid || !strings.HasPrefix(err.Error(), "owner: ") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
