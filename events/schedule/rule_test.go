package schedule

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// touchy are expressions that changes of clocks, month ends and the day rule can
// trip over.
var touchy = []string{
	"* * * * *", "*/10 * * * *", "*/7 * * * *", "0 * * * *", "? ? * * *", "0-59 * * * *", "0-59 0-23 * * *",
	"30 2 * * *", "0 0 * * *", "0 1 * * *", "0 2 * * *", "0 3 * * *", "59 23 * * *", "1 0 * * *", "30 1 * * *",
	"15,45 0-3 * * *", "*/30 1-2 * * *", "* 2 * * *", "*/5 2 * * *", "5/20 2 * * *", "0-30/10 0,2 * * *",
	"0 */2 * * *", "30 */3 * * *", "45 1/2 * * *", "0 0-4 * * *", "*/15 0-23 * * *", "5 0-23 * * *",
	"30 2 * * 0", "30 2 * * 7", "0 2 * * 5-7", "0 0 1 * *", "0 0 31 * *", "30 1 25-31 * 0", "0 0 13 * 5",
	"*/20 1 8-14 3 */7", "30 2 */2 * *", "30 2 */2 * 1", "30 2 ? * 1-5", "30 2 1-31 * 0", "0 0 29 2 *",
	"0 3 * 3,4,9-11 0", "30 0,23 * * *", "20,40 23 * 1-3 *", "0,1 * * * *", "0 12 * * 1", "45 2,3 * * *",
}

// awkward are zones that change clocks in unusual ways.
var awkward = []string{
	"America/New_York", "Europe/Dublin", "Australia/Lord_Howe", "Africa/Casablanca", "Antarctica/Troll",
	"America/Sao_Paulo", "Asia/Beirut", "Africa/Cairo", "Pacific/Apia", "Asia/Tehran", "America/St_Johns",
	"Antarctica/Casey", "America/Caracas", "Asia/Pyongyang", "America/Godthab", "Asia/Gaza", "UTC",
}

// TestRuleAtChanges holds every answer around every change of clocks against the
// oracle.
func TestRuleAtChanges(t *testing.T) {
	for _, name := range awkward {
		t.Run(name, func(t *testing.T) {
			holdAtChanges(t, mustZone(t, name), touchy, 2000, 2040)
		})
	}
}

// TestRuleAtOldChanges is about calendars, and offsets that are not whole minutes.
func TestRuleAtOldChanges(t *testing.T) {
	for _, old := range []struct {
		zone        string
		from, until int
	}{
		{"Antarctica/Vostok", 1990, 2000},
		{"Pacific/Kwajalein", 1965, 1995},
		{"Africa/Monrovia", 1880, 1975},
		{"Europe/Amsterdam", 1830, 1942},
		{"America/Juneau", 1865, 1902},
		{"Asia/Manila", 1840, 1902},
	} {
		t.Run(old.zone, func(t *testing.T) {
			holdAtChanges(t, mustZone(t, old.zone), touchy, old.from, old.until)
		})
	}
}

// TestLongRuleInEveryZone does the same for all zones and many more expressions.
func TestLongRuleInEveryZone(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long runs it: it takes a minute")
	}
	random := rand.New(rand.NewPCG(1, 2))
	exprs := slices.Clone(touchy)
	for len(exprs) < 200 {
		expr := randomExpr(random, true)
		if _, err := Parse(expr, nil); err == nil {
			exprs = append(exprs, expr)
		}
	}
	zones, held, answers := allZones(t), 0, 0
	for _, name := range zones {
		t.Run(name, func(t *testing.T) {
			loc := mustZone(t, name)
			n, slots := holdAtChanges(t, loc, exprs, 2000, 2041)
			held, answers = held+n, answers+slots
			holdAtChanges(t, loc, touchy, 1840, 2000)
		})
	}
	t.Logf("%d expressions × %d zones × all their %d changes from 2000 to 2040: %d slots, none of them different",
		len(exprs), len(zones), held, answers)
}

// TestRuleAllYear walks whole years, so that the search also has to cross months
// and spans.
func TestRuleAllYear(t *testing.T) {
	for _, year := range []struct {
		zone string
		from string
	}{
		{"America/New_York", "2027-06-01 00:00"},
		{"Pacific/Apia", "2011-04-10 00:00"},
	} {
		t.Run(year.zone, func(t *testing.T) {
			loc, from := mustZone(t, year.zone), utc(t, year.from)
			hold(t, loc, touchy, from, from.AddDate(1, 0, 0))
		})
	}
}

// holdAtChanges compares in a window around each change that reaches beyond
// everything the change can repeat.
func holdAtChanges(t *testing.T, loc *time.Location, exprs []string, from, until int) (held, slots int) {
	t.Helper()
	for _, change := range changes(loc, from, until) {
		_, before := change.Add(-time.Minute).In(loc).Zone()
		_, after := change.In(loc).Zone()
		reach := 4*time.Hour + time.Duration(max(after-before, before-after)/60)*time.Minute
		slots += hold(t, loc, exprs, change.Add(-reach), change.Add(reach))
		held++
	}
	return held, slots
}

// hold compares Slots, Next and Prev with the oracle in one window.
func hold(t *testing.T, loc *time.Location, exprs []string, from, to time.Time) (slots int) {
	t.Helper()
	walk := readings(loc, from, to)
	for _, expr := range exprs {
		s, o := mustParse(t, expr, loc), newOracle(expr)
		want, got := o.slots(walk), slices.Collect(s.Slots(from, to))
		if !slices.Equal(want, got) {
			t.Errorf("%s %q (%s, %s]: %s", loc, expr, from, to, firstDifference(want, got))
			continue
		}
		slots += len(want)
		// Slots is made of Next, so a few places in between are enough.
		random := rand.New(rand.NewPCG(uint64(from.Unix()), uint64(len(expr))))
		for range 3 {
			at := from.Add(time.Duration(random.Int64N(int64(to.Sub(from)))))
			i, _ := slices.BinarySearchFunc(want, at, func(slot Slot, at time.Time) int {
				if slot.Time.After(at) {
					return 1
				}
				return -1
			})
			if i < len(want) && !s.Next(at).Equal(want[i].Time) {
				t.Errorf("%s %q: Next(%s) = %s, want %s", loc, expr, at, s.Next(at), want[i].Time)
			}
			prev, ok := s.Prev(at, from)
			if ok != (i > 0) || ok && !prev.Equal(want[i-1].Time) {
				t.Errorf("%s %q: Prev(%s) = %s, %t", loc, expr, at, prev, ok)
			}
		}
	}
	return slots
}

func firstDifference(want, got []Slot) string {
	n := min(len(want), len(got))
	for i := range n {
		if want[i] != got[i] {
			return fmt.Sprintf("slot %d: want %v, got %v", i, want[i], got[i])
		}
	}
	return fmt.Sprintf("after %d equal slots: want %v, got %v", n, want[n:], got[n:])
}
