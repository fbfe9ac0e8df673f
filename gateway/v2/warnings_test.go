package v2

import (
	"strings"
	"testing"
	"time"
)

func TestZoneWarning(t *testing.T) {
	zone := func(name string) *time.Location {
		l, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	winter := time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		zone, host string
		want       string
	}{
		{"UTC", "UTC", ""},
		{"Europe/Paris", "Europe/Berlin", ""},
		{"UTC", "Europe/Paris", "the schedule is in UTC, and the clock of this host is in Europe/Paris: it is 12:00 there and 13:00 here"},
		{"UTC", "Europe/London", "the clock of this host is in Europe/London"}, // they differ in summer
	} {
		got := strings.Join(zoneWarning(zone(c.zone), zone(c.host), winter), "")
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s on %s: %q, want %q", c.zone, c.host, got, c.want)
		}
	}
}
