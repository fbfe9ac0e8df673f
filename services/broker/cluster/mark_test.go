package cluster

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A data folder belongs to one machine of one cluster, or to none; what is another's is refused by name.
func TestClaim(t *testing.T) {
	mine, other, foreign := whole(), whole(), whole()
	other.Machine = "m2"
	foreign.Name, foreign.ID = "test", "77777777-6a0f-4b6a-9d0e-1c1c7e9d2a11"
	alone, clustered := t.TempDir(), t.TempDir()
	if err := os.MkdirAll(filepath.Join(alone, "nats"), 0o700); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(alone, "nats"), "keys.json", "{}")
	if err := Claim(clustered, mine); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		dir   string
		b     *Bundle
		wants []string // in the refusal; none: it is taken
	}{
		"a new folder alone":            {t.TempDir(), nil, nil},
		"a store of one machine":        {alone, nil, nil},
		"its own machine":               {clustered, mine, nil},
		"one machine's under a cluster": {alone, mine, []string{"one machine alone", "spool backup", "spool restore"}},
		"a cluster's without":           {clustered, nil, []string{"machine m1 of the cluster prod", "--bundle", "spool restore"}},
		"another machine's":             {clustered, other, []string{"machine m1", "machine m2"}},
		"another cluster's":             {clustered, foreign, []string{mine.ID, foreign.ID}},
	} {
		err := Claim(c.dir, c.b)
		if (err == nil) != (c.wants == nil) {
			t.Errorf("%s: %v", name, err)
		}
		for _, want := range append(c.wants, c.dir) {
			if err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v does not say %s", name, err, want)
			}
		}
	}
}
