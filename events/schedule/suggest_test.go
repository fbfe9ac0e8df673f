package schedule

import (
	"archive/zip"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestSuggestZone(t *testing.T) {
	for name, want := range map[string]string{
		"utc": "UTC", "europe/paris": "Europe/Paris", "America/New York": "America/New_York", "america/new york": "America/New_York",
		"Eastern Standard Time": "America/New_York", "W. Europe Standard Time": "Europe/Berlin", "Europe/Pariss": "Europe/Paris",
		"PST": "America/Los_Angeles", "UTC+2": "Etc/GMT-2, which is UTC+2 all year", "GMT-05:00": "Etc/GMT+5, which is UTC-5 all year",
		"+05:30": "Asia/Kolkata", "UTC+05:30": "Asia/Kolkata", "+05:15": "", "america/new-york": "America/New_York", "W.Europe Standard Time": "Europe/Berlin",
		"Eastern Daylight Time": "America/New_York", "Pacific Time (US & Canada)": "America/Los_Angeles", "Paris": "Europe/Paris", "new york": "America/New_York",
		"right/Europe/Paris": "Europe/Paris", "posix/UTC": "UTC", "Europe\\Paris": "Europe/Paris", "Etc/GMT -5": "Etc/GMT-5", "Buenos Aires": "America/Buenos_Aires",
		"UTC+99": "", "Mars": "", "xyz": "", strings.Repeat("Europe/", 1000): "",
	} {
		if got := suggestZone(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	for name, zone := range otherNames {
		if _, err := LoadLocation(zone); err != nil || name != strings.ToLower(name) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// TestZoneNames: zones.txt has the names of the database that is built in.
func TestZoneNames(t *testing.T) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	all, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(root)), "lib/time/zoneinfo.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer all.Close()
	var names []string
	for _, f := range all.File {
		if !strings.HasSuffix(f.Name, "/") {
			names = append(names, f.Name)
		}
	}
	slices.Sort(names)
	diff(t, strings.Join(names, "\n")+"\n", zoneText)
}

func TestZoneWarnings(t *testing.T) {
	from := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	for zone, want := range map[string]string{
		"EST":           "time zone EST stands at -05:00 all year, without summer time: a city such as America/New_York has its own rules",
		"Factory":       "time zone Factory is the placeholder of a system that nobody has set up: name a zone such as Europe/Berlin",
		"Etc/GMT+5":     "time zone Etc/GMT+5 stands at -05:00 all year: the sign in its name is turned round",
		"Europe/Berlin": "", "UTC": "", "EST5EDT": "",
	} {
		got := strings.Join(texts(mustParse(t, "0 9 * * *", mustZone(t, zone)).zoneWarnings(from)), "\n")
		diff(t, want, got)
	}
}
