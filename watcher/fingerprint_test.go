package watcher

import (
	"testing"

	"spool.internal/watcher/settle"
)

func TestFingerprint(t *testing.T) {
	s := settle.Stat{Inode: 1, Birth: 2, Size: 3, Modified: 4, Changed: 5}
	// Another value here means that every file runs again after an upgrade.
	const golden = "d6c1ada692a9f96a67090aec997b1948"
	base := fingerprint("job", "name", "", s)
	if base != golden {
		t.Errorf("fingerprint %s, want %s", base, golden)
	}
	same := s
	same.Changed = 99
	if fingerprint("job", "name", "", same) != base {
		t.Error("a chmod makes another file")
	}
	seen := map[string]string{base: "itself"}
	for what, fp := range map[string]string{
		"job": fingerprint("jobn", "ame", "", s), "name": fingerprint("job", "nam\xff", "", s),
		"inode": fingerprint("job", "name", "", settle.Stat{Inode: 9, Birth: 2, Size: 3, Modified: 4}),
		"birth": fingerprint("job", "name", "", settle.Stat{Inode: 1, Birth: 9, Size: 3, Modified: 4}),
		"size":  fingerprint("job", "name", "", settle.Stat{Inode: 1, Birth: 2, Size: 9, Modified: 4}),
		"again": fingerprint("job", "name", "g", s), "and again": fingerprint("job", "name", "h", s),
		"change": fingerprint("job", "name", "", settle.Stat{Inode: 1, Birth: 2, Size: 3, Modified: 9}),
	} {
		if other, ok := seen[fp]; ok || len(fp) != 32 {
			t.Errorf("another %s: %s, as %s", what, fp, other)
		}
		seen[fp] = what
	}
}
