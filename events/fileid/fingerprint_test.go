package fileid

import "testing"

func TestFingerprint(t *testing.T) {
	s := Stat{Inode: 1, Birth: 2, Size: 3, Modified: 4, Changed: 5}
	// Another value here means that every file runs again after an upgrade.
	const golden = "d6c1ada692a9f96a67090aec997b1948"
	base := Fingerprint("job", "name", "", s)
	if base != golden {
		t.Errorf("fingerprint %s, want %s", base, golden)
	}
	same := s
	same.Changed = 99
	if Fingerprint("job", "name", "", same) != base {
		t.Error("a chmod makes another file")
	}
	seen := map[string]string{base: "itself"}
	for what, fp := range map[string]string{
		"job": Fingerprint("jobn", "ame", "", s), "name": Fingerprint("job", "nam\xff", "", s),
		"inode": Fingerprint("job", "name", "", Stat{Inode: 9, Birth: 2, Size: 3, Modified: 4}),
		"birth": Fingerprint("job", "name", "", Stat{Inode: 1, Birth: 9, Size: 3, Modified: 4}),
		"size":  Fingerprint("job", "name", "", Stat{Inode: 1, Birth: 2, Size: 9, Modified: 4}),
		"again": Fingerprint("job", "name", "g", s), "and again": Fingerprint("job", "name", "h", s),
		"change": Fingerprint("job", "name", "", Stat{Inode: 1, Birth: 2, Size: 3, Modified: 9}),
	} {
		if other, ok := seen[fp]; ok || len(fp) != 32 {
			t.Errorf("another %s: %s, as %s", what, fp, other)
		}
		seen[fp] = what
	}
}
