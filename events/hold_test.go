package events

import (
	"strings"
	"testing"
	"time"
)

func TestHoldReason(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	endings := func(letters string) (list []Ending) {
		for i, c := range letters { // newest first, a minute apart
			list = append(list, Ending{now.Add(-time.Duration(i) * time.Minute), map[rune]Outcome{
				'x': OutcomeFailed, 'o': OutcomeOK, 'c': OutcomeCancelled, '.': OutcomeRunning,
			}[c], "exit status 1"})
		}
		return list
	}
	for _, c := range []struct {
		after   int
		endings string
		since   time.Duration // the job has been enabled for so long
		held    bool
	}{
		{0, "xxxxx", time.Hour, false},
		{1, "x", time.Hour, true},
		{3, "xx", time.Hour, false},
		{3, "xxx", time.Hour, true},
		{3, "xxox", time.Hour, false},
		{3, "oxxx", time.Hour, false},
		{3, "xcx.x", time.Hour, true},
		{3, "xxx", 2 * time.Minute, false}, // the third is from before
	} {
		job := Job{Status: Enabled, EffectiveFrom: now.Add(-c.since)}
		got := HoldReason(job, c.after, endings(c.endings))
		if held := got != ""; held != c.held {
			t.Errorf("after %d, %s: %q", c.after, c.endings, got)
		}
		if c.held && !strings.HasSuffix(got, "failures in a row (spool.hold_after), the last: exit status 1") {
			t.Errorf("%q", got)
		}
		job.Status = Disabled
		if got := HoldReason(job, c.after, endings(c.endings)); got != "" {
			t.Errorf("of a disabled job: %s", got)
		}
	}
}
