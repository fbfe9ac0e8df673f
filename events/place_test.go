package events

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// three machines: m1 and m2 have a drive each, all have one that is shared, m3 was stopped.
func threePlaces(now time.Time) Places {
	role := func(place, name string, at time.Time, drives ...ServedDrive) HeardRole {
		return HeardRole{RoleState{Role: name, Instance: place, Place: place, Drives: drives, API: "http://" + place}, at}
	}
	shared := ServedDrive{Name: "a/b/fs/shared", Shared: true, ID: "x"}
	var all []HeardRole
	for _, name := range []string{"runner", "watcher", "gateway"} {
		all = append(all,
			role("m1", name, now, shared, ServedDrive{Name: "a/b/fs/one"}, ServedDrive{Name: "a/b/fs/many"}),
			role("m2", name, now.Add(-20*time.Second), shared, ServedDrive{Name: "a/b/fs/two"}, ServedDrive{Name: "a/b/fs/many"}),
			role("m3", name, now.Add(-31*time.Second), shared, ServedDrive{Name: "a/b/fs/three"}),
			role("m2", name, now.Add(-10*time.Minute), ServedDrive{Name: "a/b/fs/former"}),
		)
	}
	old := PlaceDrives{Place: "m4", Role: "runner", Drives: []ServedDrive{shared, {Name: "a/b/fs/four"}}}
	return PlacesOf(all, []PlaceDrives{old, {Place: "m1", Role: "runner"}}, 0)
}

func TestWhere(t *testing.T) {
	p := threePlaces(time.Date(2026, 11, 30, 14, 3, 40, 0, time.UTC))
	for _, c := range []struct {
		name  string
		paths []string
		place string
		why   string
	}{
		{"nobody knows the drive", []string{"a/b/fs/else/in"}, "", ""},
		{"one place alone", []string{"a/b/fs/one/in"}, "m1", ""},
		{"shared", []string{"a/b/fs/shared/in"}, "", ""},
		{"shared input, binary of one", []string{"a/b/fs/shared/in", "a/b/fs/two/flow"}, "m2", ""},
		{"input of one, binary of another", []string{"a/b/fs/one/in", "a/b/fs/two/flow"}, "m1", ""},
		{"a folder of a host", []string{"ann/host/fs/in-0a0a0a0a.m2/in"}, "m2", ""},
		{"away", []string{"a/b/fs/three/in"}, "", "no machine serves the drive a/b/fs/three; m3 did until 14:03 UTC"},
		{"away for long", []string{"a/b/fs/four/in"}, "", "no machine serves the drive a/b/fs/four; m4 did, and has not been heard of for an hour"},
		{"what one process served before", []string{"a/b/fs/former/in"}, "", ""},
	} {
		var paths []Path
		for _, text := range c.paths {
			path, err := ParsePath("", text)
			if err != nil {
				t.Fatal(err)
			}
			paths = append(paths, path)
		}
		place, why := p.Where("seed", paths...)
		if place != c.place || why != c.why {
			t.Errorf("%s: %q, %q; want %q, %q", c.name, place, why, c.place, c.why)
		}
	}
	many := map[string]bool{}
	for seed := range strings.SplitSeq("abcdefghij", "") {
		place, _ := p.Where(seed, Path{"a/b/fs/many", "in"})
		many[place] = true
	}
	if diff := cmp.Diff(map[string]bool{"m1": true}, many); diff == "" {
		t.Error("one of two places that serve a drive gets everything")
	}
	if text := p.Apart(Path{"a/b/fs/one", "in"}, Path{"a/b/fs/two", "flow"}); !strings.Contains(text, "m1") || !strings.Contains(text, "m2") {
		t.Errorf("drives of two machines: %q", text)
	}
	if text := p.Apart(Path{"a/b/fs/one", "in"}, Path{"a/b/fs/shared", "flow"}); text != "" {
		t.Errorf("a shared drive: %q", text)
	}
}
