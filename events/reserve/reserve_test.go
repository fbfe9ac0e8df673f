package reserve

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"spool.internal/events"
)

func TestReserve(t *testing.T) {
	dir := t.TempDir()
	free, total, err := Room(dir)
	if err != nil {
		t.Skipf("this system does not tell how much room there is: %v", err)
	}
	if kept := New(dir, 0).Bytes(); kept != min(1<<30, total/20) {
		t.Errorf("of a disk of %d bytes %d are kept", total, kept)
	}
	elsewhere := "" // a folder on another disk
	for _, other := range []string{"/dev/shm", "/proc"} {
		if fi, err := os.Stat(other); err == nil {
			if own, err := os.Stat(dir); err == nil && device(fi) != device(own) {
				elsewhere = other
			}
		}
	}
	for name, c := range map[string]struct {
		kept       int64
		short, low bool
	}{
		"nothing is kept":       {-1, false, false},
		"there is room":         {free / 4, false, false},
		"less than the reserve": {free + free/2, true, false},
		"less than half of it":  {4 * free, true, true},
	} {
		r := New(dir, c.kept)
		if err := r.Short(os.Stat(dir)); (err != nil) != c.short || c.short && events.CodeOf(err) != events.Full {
			t.Errorf("%s: short: %v", name, err)
		} else if c.short && (!strings.Contains(err.Error(), "--reserve") || strings.Contains(err.Error(), dir)) {
			t.Errorf("%s: %v does not name the flag, or names a path of the host", name, err)
		}
		if err := r.Low(os.Stat(dir)); (err != nil) != c.low {
			t.Errorf("%s: low: %v", name, err)
		}
		if elsewhere != "" && r.Short(os.Stat(elsewhere)) != nil {
			t.Errorf("%s: another disk is refused", name)
		}
		if r.Short(os.Stat(filepath.Join(dir, "absent"))) != nil {
			t.Errorf("%s: what cannot be looked at is refused", name)
		}
	}
	var none *Reserve
	if none.Bytes() != 0 || none.Short(os.Stat(dir)) != nil || none.Low(os.Stat(dir)) != nil {
		t.Error("no reserve refuses")
	}
}
