package main

import "testing"

func TestVersion(t *testing.T) {
	const commit = "0123456789abcdef0123456789abcdef01234567"
	for _, c := range []struct {
		tag, commit, at string
		modified        bool
		want            string
	}{
		{"(devel)", "", "", false, "devel"},
		{"", commit, "2026-11-29T12:00:00Z", false, "devel (0123456789ab of 2026-11-29)"},
		{"v1.2.3", commit, "2026-11-29T23:30:00-02:00", true, "v1.2.3 (0123456789ab of 2026-11-30, modified)"},
		{"v1.2.3", commit, "", false, "v1.2.3 (0123456789ab)"},
	} {
		if got := versionOf(c.tag, c.commit, c.at, c.modified); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
