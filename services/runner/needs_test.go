package runner

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Which needs are not met, by what a host has to keep flows in with.
func TestUnmet(t *testing.T) {
	for name, c := range map[string]struct {
		has   means
		unmet string
	}{
		"nothing":                                {means{root: true}, "files names ports signals sockets calls privileges end"},
		"nothing, an ordinary user":              {means{}, "files names ports signals sockets calls end"},
		"all that there is":                      {means{landlock: 7, filter: true, spaces: true, view: true, reaper: true}, ""},
		"all that there is, root":                {means{landlock: 7, filter: true, spaces: true, view: true, reaper: true, root: true, drop: true}, ""},
		"an ordinary user without namespaces":    {means{landlock: 6, filter: true, reaper: true}, ""},
		"the same, Linux 6.7":                    {means{landlock: 4, filter: true, reaper: true}, "signals end"},
		"the same, Linux 6.2":                    {means{landlock: 3, filter: true, reaper: true}, "ports signals end"},
		"the same, Linux 5.19":                   {means{landlock: 2, filter: true, reaper: true}, "files ports signals end"},
		"the same, offline":                      {means{landlock: 3, filter: true, offline: true, reaper: true}, "signals end"},
		"namespaces without Landlock":            {means{filter: true, spaces: true, view: true}, "ports"},
		"the same, offline as well":              {means{filter: true, offline: true, spaces: true, view: true}, ""},
		"the same as root with its capabilities": {means{filter: true, offline: true, spaces: true, view: true, root: true}, "files privileges"},
		"namespaces in which nothing is mounted": {means{landlock: 4, filter: true, spaces: true}, ""},
		"root without CAP_SYS_ADMIN":             {means{landlock: 7, filter: true, reaper: true, root: true}, "privileges"},
		"the same with another user":             {means{landlock: 4, filter: true, reaper: true, root: true, as: true}, ""},
		"no filter":                              {means{landlock: 7, spaces: true, view: true}, "sockets calls"},
	} {
		var got []string
		for _, line := range unmet(c.has) {
			name, rest, _ := strings.Cut(line, ": ")
			if !strings.Contains(rest, "; it takes ") {
				t.Errorf("%q does not say what it takes", line)
			}
			got = append(got, name)
		}
		if diff := cmp.Diff(strings.Fields(c.unmet), got, cmp.Transformer("", func(s []string) string { return strings.Join(s, " ") })); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
