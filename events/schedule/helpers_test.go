package schedule

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func mustZone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func mustParse(t testing.TB, expr string, loc *time.Location) *Schedule {
	t.Helper()
	s, err := Parse(expr, loc)
	if err != nil {
		t.Fatalf("Parse(%q): %v", expr, err)
	}
	return s
}

// utc reads "2026-03-08 07:00".
func utc(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse("2006-01-02 15:04", text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func diff(t testing.TB, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// allZones are the names of the zones that differ from each other.
func allZones(t testing.TB) []string {
	t.Helper()
	text, err := os.ReadFile("testdata/zones.txt")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(text))
}

// changes are the first whole minutes after each change of offset between two
// years, found by asking time.Time twice a day.
func changes(loc *time.Location, from, until int) []time.Time {
	offset := func(at int64) int {
		_, seconds := Minute(at).Time().In(loc).Zone()
		return seconds
	}
	start := time.Date(from, time.January, 1, 0, 0, 0, 0, time.UTC).Unix() / 60
	end := time.Date(until, time.January, 1, 0, 0, 0, 0, time.UTC).Unix() / 60
	var found []time.Time
	for at := start; at < end; at += 720 {
		low, high := at, at+720
		if offset(low) == offset(high) {
			continue
		}
		for high-low > 1 {
			if middle := (low + high) / 2; offset(middle) == offset(at) {
				low = middle
			} else {
				high = middle
			}
		}
		found = append(found, time.Unix(high*60, 0).UTC())
	}
	return found
}
