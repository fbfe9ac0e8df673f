package schedule

import (
	"archive/zip"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestLoadLocation(t *testing.T) {
	const remedy = ": use an IANA name such as UTC or Europe/Berlin"
	for _, c := range []struct{ name, want string }{
		{"UTC", ""},
		{"Europe/Berlin", ""},
		{"EST5EDT", ""},
		{"", "time zone is empty" + remedy},
		{"Local", `time zone "Local" depends on the host` + remedy},
		{"localtime", `time zone "localtime" is not an IANA name` + remedy},
		{"right/UTC", `time zone "right/UTC" is not an IANA name: did you mean UTC?`},
		{"../etc/passwd", `time zone "../etc/passwd" is not an IANA name` + remedy},
		{"+05:30", `time zone "+05:30" is not an IANA name: did you mean Asia/Kolkata?`},
		{"Europe", `time zone "Europe" is unknown` + remedy},
		{"Europe/Atlantis", `time zone "Europe/Atlantis" is unknown` + remedy},
		{"Europe/../Europe/Berlin", `time zone "Europe/../Europe/Berlin" is unknown` + remedy},
	} {
		t.Run(c.name, func(t *testing.T) {
			loc, err := LoadLocation(c.name)
			if c.want == "" {
				if err != nil || loc.String() != c.name {
					t.Fatalf("got %v, %v", loc, err)
				}
				return
			}
			if e, ok := errors.AsType[*Error](err); !ok || e.Field != "time zone" {
				t.Fatalf("got %v, %v", loc, err)
			}
			diff(t, c.want, err.Error())
		})
	}
}

// TestZonesAreAll: the zones that the tests go through are those of the database
// that is built in, each once.
func TestZonesAreAll(t *testing.T) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	all, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(root)), "lib/time/zoneinfo.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer all.Close()
	named := map[string]bool{}
	for _, name := range allZones(t) {
		named[name] = true
	}
	tested := map[string]string{} // content of a zone → its name in the tests
	var contents []string
	for _, f := range all.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err := errors.Join(err, r.Close()); err != nil {
			t.Fatal(err)
		}
		if contents = append(contents, string(text)); named[f.Name] {
			if other := tested[string(text)]; other != "" {
				t.Errorf("%s and %s are the same", f.Name, other)
			}
			tested[string(text)] = f.Name
		}
	}
	for i, text := range contents {
		if name := all.File[i].Name; tested[text] == "" && !strings.HasSuffix(name, "/") {
			t.Errorf("%s is not tested", name)
		}
	}
	if len(tested) != len(named) {
		t.Errorf("%d zones are named, %d of them exist", len(named), len(tested))
	}
}

// TestSpans holds what the search takes for granted about every zone: spans follow
// each other to any year, their ends are where time.Time changes its offset, and
// changes are further apart than the search looks around them.
func TestSpans(t *testing.T) {
	start := time.Date(1840, time.January, 1, 0, 0, 0, 0, time.UTC).Unix() / 60
	stop := time.Date(2060, time.January, 1, 0, 0, 0, 0, time.UTC).Unix() / 60
	for _, name := range allZones(t) {
		s := mustParse(t, "* * * * *", mustZone(t, name))
		offset := func(utc int64) int64 {
			_, seconds := Minute(utc).Time().In(s.loc).Zone()
			return floorDiv(int64(seconds), 60)
		}
		lastChange := start - wideMargin
		for utc := start; utc < stop; {
			here := s.span(utc)
			if here.end <= utc || here.offset != offset(utc) || here.end < stop && here.offset != offset(here.end-1) {
				t.Fatalf("%s: span %+v at %s", name, here, Minute(utc).Time())
			}
			if here.end < stop && here.offset != offset(here.end) {
				if here.end-lastChange < wideMargin {
					t.Errorf("%s changes its clocks at %s and again at %s", name, Minute(lastChange).Time(), Minute(here.end).Time())
				}
				lastChange = here.end
			}
			utc = here.end
		}
	}
}
