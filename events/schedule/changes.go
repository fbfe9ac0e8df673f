package schedule

import (
	"fmt"
	"time"
)

// clockWarnings names the changes of clocks within the horizon that touch a run.
func (s *Schedule) clockWarnings(from time.Time) []string {
	var warnings []string
	start := utcMinute(from)
	if start < minMinute || start > maxMinute {
		return nil
	}
	before := s.span(start)
	for before.end <= start+horizon {
		after := s.span(before.end)
		if text := s.clockWarning(before, after); text != "" {
			warnings = append(warnings, text)
		}
		before = after
	}
	return warnings
}

// clockWarning says what the change between two spans does to the runs, or "".
func (s *Schedule) clockWarning(before, after span) string {
	old, now := before.end+before.offset, before.end+after.offset
	q := search{Schedule: s}
	if wall, ok := q.match(min(old, now)); !ok || wall >= max(old, now) || !s.disturbed(now-old) {
		return ""
	}
	forward, ruled := now > old, s.shift(before, after) != 0
	direction, effect := "back", "runs twice"
	switch {
	case forward && ruled:
		direction, effect = "forward", "runs once, at the end"
	case forward:
		direction, effect = "forward", "does not run"
	case ruled:
		effect = "runs the first time only"
	}
	layout := "15:04"
	if floorDiv(old, day) != floorDiv(now, day) {
		layout = "2006-01-02 15:04"
	}
	return fmt.Sprintf("clocks in %s go %s from %s to %s: what is due in between %s",
		s.loc, direction, timeOf(old).Format("2006-01-02 15:04"), timeOf(now).Format(layout), effect)
}

// disturbed reports whether a change of clocks by that many minutes shows in the
// runs. Whole hours do not show in what runs the same way in every hour.
func (s *Schedule) disturbed(change int64) bool {
	rhythm := !s.fixed() && s.hour.bits == hours.all()
	return !rhythm || change%hour != 0 || change > maxShift || change < -maxShift
}
