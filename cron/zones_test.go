package cron

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"spool.internal/events"
	"spool.internal/events/schedule"
)

// plan is a schedule written twice: for the service, and for a walk that knows
// nothing of the parser.
type plan struct {
	text           string
	minutes, hours []int // nil = all
	rhythm         bool  // its minute or hour field begins with *
}

var plans = []plan{
	{"*/10 * * * *", []int{0, 10, 20, 30, 40, 50}, nil, true},
	{"0 * * * *", []int{0}, nil, true},
	{"15 0 * * *", []int{15}, []int{0}, false},
	{"30 1 * * *", []int{30}, []int{1}, false},
	{"30 2 * * *", []int{30}, []int{2}, false},
	{"0,45 0-3 * * *", []int{0, 45}, []int{0, 1, 2, 3}, false},
}

func (p plan) matches(wall int64) bool {
	of := func(v int64, all []int) bool { return all == nil || slices.Contains(all, int(v)) }
	return of(wall%60, p.minutes) && of(wall/60%24, p.hours)
}

// walk goes from minute to minute as a person with the rule in hand would.
func (p plan) walk(zone *time.Location, from, to events.Minute) (slots []events.Minute) {
	wallOf := func(minute events.Minute) int64 {
		_, seconds := minute.Time().In(zone).Zone()
		return int64(minute) + int64(seconds)/60
	}
	latest := wallOf(from - 6*60) // the highest that a wall clock has shown
	for m := from - 6*60 + 1; m <= to; m++ {
		wall := wallOf(m)
		runs := p.matches(wall)
		if !p.rhythm {
			if wall <= latest { // it has been this late before
				runs = false
			}
			for skipped := latest + 1; skipped < wall; skipped++ {
				runs = runs || p.matches(skipped)
			}
		}
		latest = max(latest, wall)
		if runs && m > from {
			slots = append(slots, m)
		}
	}
	return slots
}

// 48 hours around both changes of a year, in which one of two replicas always
// dies: every slot is triggered at its minute, once.
func TestChangesOfClocks(t *testing.T) {
	for _, c := range []struct{ zone, spring, autumn string }{
		{"Europe/Paris", "2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z"},
		{"America/New_York", "2026-03-08T07:00:00Z", "2026-11-01T06:00:00Z"},
		{"Australia/Lord_Howe", "2026-10-03T15:30:00Z", "2026-04-04T15:00:00Z"}, // half an hour
		{"Asia/Beirut", "2026-03-28T22:00:00Z", "2026-10-24T21:00:00Z"},         // midnight does not exist
		{"Antarctica/Troll", "2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z"},    // two hours
	} {
		zone, err := schedule.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		for season, text := range map[string]string{"spring": c.spring, "autumn": c.autumn} {
			change, err := time.Parse(time.RFC3339, text)
			if err != nil {
				t.Fatal(err)
			}
			_, before := change.Add(-time.Minute).In(zone).Zone()
			_, after := change.In(zone).Zone()
			if (after > before) != (season == "spring") || after == before {
				t.Fatalf("%s has no change at %s", c.zone, text)
			}
			t.Run(c.zone+" in "+season, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { throughChange(t, zone, change) })
			})
		}
	}
}

func throughChange(t *testing.T, zone *time.Location, change time.Time) {
	w := newHarness(t)
	began := change.Add(-24 * time.Hour)
	w.offset.Store(int64(time.Until(began)))
	for _, p := range plans {
		w.create(began, p.text, p.text, options{Timezone: zone.String()})
	}
	stops := []func(){w.run(), w.run()}
	for n := range 48 {
		time.Sleep(time.Hour)
		stops[n%2]()
		stops[n%2] = w.run()
	}
	time.Sleep(time.Second)
	stops[0]()
	stops[1]()
	fired, passed := w.all(t)
	if len(passed) > 0 {
		t.Errorf("verdicts: %v", passed)
	}
	got := map[string][]events.Minute{}
	for _, f := range fired {
		got[f.JobID] = append(got[f.JobID], f.Minute)
		if !f.At.Truncate(time.Minute).Equal(f.Minute.Time()) {
			t.Errorf("%s came at %s", f.ID, f.At)
		}
	}
	for _, p := range plans {
		want := p.walk(zone, events.MinuteOf(began), events.MinuteOf(began)+48*60)
		if !slices.Equal(got[p.text], want) {
			t.Errorf("%s ran at %v, want %v", p.text, times(got[p.text], zone), times(want, zone))
		}
	}
	audit(t, w.history, fired, passed, w.memory, w.time())
}

func times(minutes []events.Minute, zone *time.Location) (all []string) {
	for _, m := range minutes {
		all = append(all, m.Time().In(zone).Format("02T15:04Z07"))
	}
	return all
}
