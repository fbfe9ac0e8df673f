package schedule

import (
	"math"
	"testing"
	"time"
)

func TestNext(t *testing.T) {
	const none = "0001-01-01 00:00"
	for _, c := range []struct{ name, zone, expr, after, want string }{
		{"strictly after", "UTC", "0 12 * * *", "2026-01-01 12:00", "2026-01-02 12:00"},
		{"end of year", "UTC", "* * * * *", "2026-12-31 23:59", "2027-01-01 00:00"},
		{"same hour", "UTC", "5,40 3 * * *", "2026-01-01 03:05", "2026-01-01 03:40"},
		{"later hour", "UTC", "5 3,9 * * *", "2026-01-01 03:05", "2026-01-01 09:05"},
		{"before 1970", "UTC", "0 0 * * 0", "1969-12-26 10:00", "1969-12-28 00:00"},
		{"skips short months", "UTC", "0 0 31 * *", "2026-03-31 00:00", "2026-05-31 00:00"},
		{"leap day", "UTC", "0 0 29 2 *", "2026-01-01 00:00", "2028-02-29 00:00"},
		{"leap day across 2100", "UTC", "0 0 29 2 *", "2096-03-01 00:00", "2104-02-29 00:00"},
		{"leap day or Monday", "UTC", "0 0 29 2 1", "2096-03-01 00:00", "2097-02-04 00:00"},
		{"leap day that is a Sunday", "UTC", "0 0 29 2 */7", "2088-03-01 00:00", "2128-02-29 00:00"},
		{"either day", "UTC", "0 0 13 * 5", "2026-01-09 00:00", "2026-01-13 00:00"},
		{"both days", "UTC", "0 0 */2 * 1", "2026-01-06 00:00", "2026-01-19 00:00"},
		{"Sunday is 7", "UTC", "0 0 * * 7", "2026-01-01 00:00", "2026-01-04 00:00"},

		{"gap moves a fixed run", "America/New_York", "30 2 * * *", "2026-03-07 07:30", "2026-03-08 07:00"},
		{"from inside what moved", "America/New_York", "30 2 * * *", "2026-03-08 07:00", "2026-03-09 06:30"},
		{"gap drops a rhythm", "America/New_York", "*/30 2 * * *", "2026-03-07 08:00", "2026-03-09 06:00"},
		{"fold, first pass", "America/New_York", "30 1 * * *", "2026-10-31 06:00", "2026-11-01 05:30"},
		{"fold, second pass", "America/New_York", "30 1 * * *", "2026-11-01 05:30", "2026-11-02 06:30"},
		{"fold, rhythm runs again", "America/New_York", "*/30 1 * * *", "2026-11-01 05:30", "2026-11-01 06:00"},
		{"half an hour", "Australia/Lord_Howe", "15 2 * * *", "2026-10-03 00:00", "2026-10-03 15:30"},
		{"two hours", "Antarctica/Troll", "30 1 * * *", "2026-03-28 02:00", "2026-03-29 01:00"},
		{"gap at midnight", "America/Sao_Paulo", "0 0 * * *", "2018-11-03 12:00", "2018-11-04 03:00"},
		{"gap at midnight, by date", "Asia/Beirut", "0 0 29 3 *", "2026-03-01 00:00", "2026-03-28 22:00"},
		{"fold at midnight", "America/Sao_Paulo", "30 23 * * *", "2019-02-17 01:30", "2019-02-18 02:30"},
		{"negative saving", "Europe/Dublin", "30 1 * * *", "2026-03-28 12:00", "2026-03-29 01:00"},
		{"Ramadan", "Africa/Casablanca", "30 2 * * *", "2026-02-14 12:00", "2026-02-15 01:30"},
		{"no such day", "Pacific/Apia", "0 12 30 12 *", "2011-12-01 00:00", "2012-12-29 22:00"},
		{"table's end, leap year", "America/New_York", "0 * * * *", "2048-12-31 12:00", "2048-12-31 13:00"},
		{"far future", "America/New_York", "30 2 14 3 0", "2100-03-13 12:00", "2100-03-14 07:00"},
		{"half a minute off", "Africa/Monrovia", "15 11 * * *", "1971-06-01 00:00", "1971-06-01 12:00"},
		{"always in a gap", "America/New_York", "*/5 2 8-14 3 */7", "2026-01-01 00:00", none},
		{"end of time", "UTC", "* * * * *", "9999-12-31 23:59", none},
		{"just past the end of time", "America/New_York", "0 20 * * *", "9999-12-31 12:00", none},
		{"beginning of time", "UTC", "0 0 * * *", "0001-01-01 00:00", "0001-01-02 00:00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := mustParse(t, c.expr, mustZone(t, c.zone)).Next(utc(t, c.after))
			diff(t, c.want, got.Format("2006-01-02 15:04"))
			if got.Location() != time.UTC {
				t.Errorf("answer is in %s", got.Location())
			}
		})
	}
}

func TestNextOfFractions(t *testing.T) {
	s := mustParse(t, "* * * * *", nil)
	noon := utc(t, "2026-01-01 12:00")
	for after, want := range map[time.Duration]time.Duration{
		-time.Nanosecond:              0,
		0:                             time.Minute,
		time.Nanosecond:               time.Minute,
		time.Minute - time.Nanosecond: time.Minute,
	} {
		if got := s.Next(noon.Add(after)); !got.Equal(noon.Add(want)) {
			t.Errorf("after %s: %s", after, got)
		}
	}
}

func TestNextOfExtremes(t *testing.T) {
	s := mustParse(t, "* * * * *", mustZone(t, "America/New_York"))
	for _, seconds := range []int64{math.MinInt64, math.MinInt64 / 2, -1 << 40, 1 << 40, math.MaxInt64 / 2, math.MaxInt64} {
		at := time.Unix(seconds, 0)
		if got := s.Next(at); !got.IsZero() && got.Year() > 1 {
			t.Errorf("Next(%d) = %s", seconds, got)
		}
		s.Prev(at, at.Add(-time.Hour))
		s.Warnings(at)
	}
}

// TestSteps holds the cost of a search to half of what it may spend, so that no
// schedule that ever runs comes near the bound.
func TestSteps(t *testing.T) {
	rare := []string{"0 0 29 2 *", "0 0 29 2 */7", "0 0 */31 2 3", "0 0 31 12 */7", "0 0 31 * */7", "0 0 29 2 1"}
	most := 0
	for _, name := range awkward {
		loc := mustZone(t, name)
		for _, expr := range append(rare, touchy...) {
			if expr == "*/20 1 8-14 3 */7" {
				continue // falls into the gap of some zones for decades
			}
			s := mustParse(t, expr, loc)
			for year := 2000; year <= 2120; year++ {
				for month := time.January; month <= time.December; month += 5 {
					q := search{Schedule: s}
					if _, ok := q.next(time.Date(year, month, 2, 3, 4, 0, 0, time.UTC).Unix() / 60); !ok {
						t.Fatalf("%s %q: nothing after %s %d", name, expr, month, year)
					}
					most = max(most, q.steps)
				}
			}
		}
	}
	t.Logf("at most %d steps of %d", most, maxSteps)
	if most > maxSteps/2 {
		t.Errorf("%d steps of %d", most, maxSteps)
	}
}

func TestNextDoesNotAllocate(t *testing.T) {
	at := utc(t, "2026-03-08 06:00")
	for _, name := range awkward {
		for _, expr := range []string{"* * * * *", "30 2 * * *", "0 0 29 2 *"} {
			s := mustParse(t, expr, mustZone(t, name))
			if n := testing.AllocsPerRun(10, func() { s.Next(at) }); n != 0 {
				t.Errorf("%s %q: %v allocations", name, expr, n)
			}
		}
	}
}

func TestPrev(t *testing.T) {
	for _, c := range []struct{ name, zone, expr, until, after, want string }{
		{"at the end", "UTC", "* * * * *", "2026-01-02 00:00", "2026-01-01 00:00", "2026-01-02 00:00"},
		{"at the beginning", "UTC", "1 0 * * *", "2026-01-01 23:59", "2026-01-01 00:00", "2026-01-01 00:01"},
		{"beginning is left out", "UTC", "0 0 * * *", "2026-01-01 23:59", "2026-01-01 00:00", ""},
		{"newest of many", "UTC", "* 0-11 * * *", "2026-01-01 20:00", "2026-01-01 00:00", "2026-01-01 11:59"},
		{"empty window", "UTC", "* * * * *", "2026-01-01 00:00", "2026-01-01 00:00", ""},
		{"reversed window", "UTC", "* * * * *", "2026-01-01 00:00", "2026-01-02 00:00", ""},
		{"years", "UTC", "0 0 29 2 *", "2103-01-01 00:00", "2000-01-01 00:00", "2096-02-29 00:00"},
		{"moved out of a gap", "America/New_York", "30 2 * * *", "2026-03-08 20:00", "2026-03-08 00:00", "2026-03-08 07:00"},
		{"second pass of a fold", "America/New_York", "30 1 * * *", "2026-11-01 20:00", "2026-11-01 00:00", "2026-11-01 05:30"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := mustParse(t, c.expr, mustZone(t, c.zone))
			got := ""
			if at, ok := s.Prev(utc(t, c.until), utc(t, c.after)); ok {
				got = at.Format("2006-01-02 15:04")
			}
			diff(t, c.want, got)
		})
	}
}
