package cli

import (
	"testing"
	"time"
	_ "time/tzdata"
)

func TestTimesThatPeopleWrite(t *testing.T) {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"now": "2026-11-23T12:00:00Z", "now-2h": "2026-11-23T10:00:00Z", "now+1d": "2026-11-24T12:00:00Z", "now-1h30m": "2026-11-23T10:30:00Z",
		"2026-11-23T14:00": "2026-11-23T13:00:00Z", "2026-11-23": "2026-11-22T23:00:00Z", "2026-11-23 14:00": "2026-11-23T13:00:00Z",
		"2026-11-23T14:00:05": "2026-11-23T13:00:05Z", "2026-11-23T14:00:00Z": "2026-11-23T14:00:00Z", "2026-07-01T14:00": "2026-07-01T12:00:00Z",
		"yesterday": "", "now-": "", "now-2": "", "14:00": "", "": "", "2026-13-01": "",
	} {
		got, err := readTime(text, now, paris)
		if (err != nil) != (want == "") || err == nil && got.UTC().Format(time.RFC3339) != want {
			t.Errorf("%q is %s, %v; want %q", text, got, err, want)
		}
	}
}

func TestTimesThatPeopleRead(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	p := &printer{now: func() time.Time { return now }}
	for _, c := range []struct {
		at         time.Time
		zone, want string
	}{
		{now.Add(12 * time.Minute), "Europe/Paris", "2026-11-23 13:12 CET (in 12m)"},
		{now.Add(-90 * time.Minute), "UTC", "2026-11-23 10:30 UTC (1h30m ago)"},
		{now.Add(26 * time.Hour), "UTC", "2026-11-24 14:00 UTC (in 1d2h)"},
		{now.Add(400 * 24 * time.Hour), "UTC", "2027-12-28 12:00 UTC (in 1y35d)"},
		{now.Add(40 * 24 * time.Hour), "UTC", "2027-01-02 12:00 UTC (in 40d)"},
		{now.Add(5 * time.Second), "UTC", "2026-11-23 12:00:05 UTC (in 5s)"},
		{now, "UTC", "2026-11-23 12:00 UTC (now)"},
		{time.Time{}, "UTC", ""},
	} {
		if got := p.time(c.at, c.zone); got != c.want {
			t.Errorf("%s is shown as %q, want %q", c.at, got, c.want)
		}
	}
	p.utc = true
	if got := p.wall(now, "Europe/Paris"); got != "2026-11-23 12:00 UTC" {
		t.Errorf("--utc shows %q", got)
	}
	for d, want := range map[time.Duration]string{5 * time.Millisecond: "5ms", 1500 * time.Millisecond: "1.5s", 75 * time.Second: "1m15s"} {
		if got := took(d); got != want {
			t.Errorf("%s took %q", d, got)
		}
	}
}
