package schedule

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

// oracle answers for an expression by walking real minutes and applying the rule of
// the package comment to each. It shares no code with the package: it has its own
// parser, for correct expressions only, and knows a zone by nothing but what
// time.Time shows.
type oracle struct {
	minute, hour, day, month, weekday [64]bool
	fixed, either                     bool
}

// reading is what the wall clock shows at one UTC minute.
type reading struct {
	utc                               int64
	minute, hour, day, month, weekday int
	wall                              int64 // the same reading as one number of minutes
}

func readAt(t time.Time) reading {
	r := reading{
		minute: t.Minute(), hour: t.Hour(), day: t.Day(), month: int(t.Month()), weekday: int(t.Weekday()),
		utc: t.Unix() / 60,
	}
	r.wall = time.Date(t.Year(), t.Month(), r.day, r.hour, r.minute, 0, 0, time.UTC).Unix() / 60
	return r
}

// readings are the wall clock at every UTC minute in (from, to].
func readings(loc *time.Location, from, to time.Time) []reading {
	var all []reading
	for t := from.Add(time.Minute); !t.After(to); t = t.Add(time.Minute) {
		all = append(all, readAt(t.In(loc)))
	}
	return all
}

func newOracle(expr string) *oracle {
	o := &oracle{}
	texts := strings.Fields(expr)
	for i, f := range []struct {
		into   *[64]bool
		lo, hi int
	}{{&o.minute, 0, 59}, {&o.hour, 0, 23}, {&o.day, 1, 31}, {&o.month, 1, 12}, {&o.weekday, 0, 6}} {
		for item := range strings.SplitSeq(texts[i], ",") {
			base, step, _ := strings.Cut(item, "/")
			lo, hi := f.lo, f.hi
			if base != "*" && base != "?" {
				first, last, ranged := strings.Cut(base, "-")
				lo, _ = strconv.Atoi(first)
				if hi = lo; ranged {
					hi, _ = strconv.Atoi(last)
				} else if step != "" {
					hi = f.hi
				}
			}
			every, err := strconv.Atoi(step)
			if err != nil {
				every = 1
			}
			for v := lo; v <= hi; v += every {
				if i == 4 {
					f.into[v%7] = true
				} else {
					f.into[v] = true
				}
			}
		}
	}
	star := func(i int) bool { return texts[i][0] == '*' || texts[i][0] == '?' }
	o.fixed = !star(0) && !star(1)
	o.either = !star(2) && !star(4)
	return o
}

func (o *oracle) matches(r *reading) bool {
	if !o.minute[r.minute] || !o.hour[r.hour] || !o.month[r.month] {
		return false
	}
	if o.either {
		return o.day[r.day] || o.weekday[r.weekday]
	}
	return o.day[r.day] && o.weekday[r.weekday]
}

// slots are the runs in a walk. The walk has to begin a few hours after a change of
// clocks and end a few hours after one, or the marks at its edges are wrong.
func (o *oracle) slots(walk []reading) []Slot {
	const threeHours = 3 * 60
	var slots []Slot
	ran := make([]int, len(walk)) // 1 + index in slots of the run at that minute
	firstPass := map[int64]int{}  // wall minute in front of a fold: index in slots
	seen := int64(-1 << 62)       // wall minutes up to here are being repeated
	for i := range walk {
		r := &walk[i]
		previous := r.wall - 1
		if i > 0 {
			previous = walk[i-1].wall
		}
		run, mark := false, Mark("")
		if skipped := r.wall - previous - 1; o.fixed && skipped > 0 && skipped <= threeHours {
			for wall := previous + 1; wall < r.wall; wall++ {
				missing := readAt(time.Unix(wall*60, 0).UTC())
				if o.matches(&missing) {
					run, mark = true, Gap
				}
			}
		}
		if repeated := previous + 1 - r.wall; o.fixed && repeated > 0 && repeated <= threeHours {
			seen = previous
			for j := max(0, i-threeHours); j < i; j++ {
				if ran[j] > 0 {
					firstPass[walk[j].wall] = ran[j] - 1
				}
			}
		}
		if o.matches(r) {
			if r.wall <= seen {
				if k, ok := firstPass[r.wall]; ok {
					slots[k].Mark = Fold
				}
			} else {
				run = true
			}
		}
		if run {
			slots = append(slots, Slot{Time: time.Unix(r.utc*60, 0).UTC(), Mark: mark})
			ran[i] = len(slots)
		}
	}
	return slots
}

func TestOracle(t *testing.T) {
	loc := mustZone(t, "Europe/Berlin")
	from := time.Date(2026, time.October, 24, 22, 0, 0, 0, time.UTC)
	walk := readings(loc, from, from.Add(6*time.Hour))
	var got []string
	for _, slot := range newOracle("30 2 * * *").slots(walk) {
		got = append(got, slot.Time.Format("15:04")+" "+string(slot.Mark))
	}
	diff(t, []string{"00:30 dst_fold"}, got)
}
