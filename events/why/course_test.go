package why_test

import (
	"strings"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/why"
)

// courseText is a course as one line: step state text, and how long after the one before.
func courseText(steps []why.CourseStep) string {
	var all []string
	for _, s := range steps {
		text := s.Step + " " + s.State + " (" + s.Text + ")"
		if s.After > 0 {
			text += " +" + s.After.String()
		}
		all = append(all, text)
	}
	return strings.Join(all, " ─ ")
}

func TestCourses(t *testing.T) {
	now := at(t, "2026-11-24 03:10:00")
	begun := at(t, "2026-11-24 02:30:00")
	base := why.Course{CameBy: "by the clock", Facts: why.Facts{Triggered: begun}}
	called := base
	called.Called, called.Answer, called.Waits = begun.Add(200*time.Millisecond), "answered with HTTP 200", "its run waits for its turn"
	started := called
	started.Started, started.Attempt, started.Host, started.Outcome = begun.Add(time.Second), 1, "box", events.OutcomeRunning
	ended := started
	ended.Ended, ended.Duration, ended.Outcome, ended.How = begun.Add(31*time.Minute), ms(31*time.Minute), events.OutcomeFailed, "exit status 3: table locked"
	with := func(c why.Course, change func(*why.Course)) why.Course {
		change(&c)
		return c
	}
	for _, c := range []struct {
		name string
		in   why.Course
		want string
	}{
		{
			"its call waits", with(base, func(c *why.Course) { c.Outcome, c.Waits = events.OutcomeRetrying, "Not delivered: connection refused." }),
			"triggered done (by the clock) ─ called now (not delivered: connection refused) ─ started later (after its call) ─ ended later (after its run) ─ told never (its job names nobody to tell)",
		},
		{
			"its run waits", with(called, func(c *why.Course) { c.Outcome, c.Notified = events.OutcomeWaiting, true }),
			"triggered done (by the clock) ─ called done (answered with HTTP 200) +200ms ─ started now (its run waits for its turn) ─ ended later (after its run) ─ told later (after its end)",
		},
		{
			"it runs", with(started, func(c *why.Course) { c.Usual = 4 * time.Minute }),
			"triggered done (by the clock) ─ called done (answered with HTTP 200) +200ms ─ started done (attempt 1 on box) +800ms ─ ended now (running for 40 min (usual 4 min)) ─ told never (its job names nobody to tell)",
		},
		{
			"it is asked to stop", with(started, func(c *why.Course) { c.Asked, c.AskedBy = begun.Add(time.Minute), "ann" }),
			"triggered done (by the clock) ─ called done (answered with HTTP 200) +200ms ─ started done (attempt 1 on box) +800ms ─ ended now (asked to stop 02:31:00 by ann; it is killed when it has not ended after 3 s) ─ told never (its job names nobody to tell)",
		},
		{
			"it was killed", with(ended, func(c *why.Course) {
				c.Outcome, c.Asked, c.Killed = events.OutcomeCancelled, begun.Add(31*time.Minute-3*time.Second), true
			}),
			"triggered done (by the clock) ─ called done (answered with HTTP 200) +200ms ─ started done (attempt 1 on box) +800ms ─ ended done (cancelled after 31 min: asked to stop 03:00:57; killed after 3 s) +30m59s ─ told never (its job names nobody to tell)",
		},
		{
			"it failed, and one notice gave up", with(ended, func(c *why.Course) {
				c.Told = []why.Notice{{events.ChannelWebhook, begun.Add(32 * time.Minute), "told"}, {events.ChannelEmail, begun.Add(33 * time.Minute), "gave up: no such user"}}
			}),
			"triggered done (by the clock) ─ called done (answered with HTTP 200) +200ms ─ started done (attempt 1 on box) +800ms ─ ended done (failed after 31 min: exit status 3: table locked) +30m59s ─ told done (webhook told, email gave up: no such user) +2m0s",
		},
		{
			"a foreign endpoint has it", with(called, func(c *why.Course) { c.Outcome, c.Notified = events.OutcomeCalled, true }),
			"triggered done (by the clock) ─ called done (answered with HTTP 200) +200ms ─ started never (the endpoint does not tell) ─ ended never (nobody tells how it ends) ─ told never (nobody knows its end)",
		},
		{
			"it is not kept", with(called, func(c *why.Course) {
				c.Outcome, c.Notified, c.Ended = events.OutcomeNotKept, true, begun.AddDate(0, 0, -9)
			}),
			"triggered done (by the clock) ─ called done (answered with HTTP 200) +200ms ─ started not_kept (not kept) ─ ended not_kept (not kept) ─ told not_kept (not kept)",
		},
		{
			"it was cancelled before its call", with(base, func(c *why.Course) {
				c.Outcome, c.Asked, c.AskedBy, c.Ended = events.OutcomeCancelled, begun.Add(time.Second), "ann", begun.Add(2*time.Second)
			}),
			"triggered done (by the clock) ─ called never (it was cancelled before its call) ─ started never (no run began) ─ ended done (cancelled: asked to stop 02:30:01 by ann; ended after 1 s) +2s ─ told never (its job names nobody to tell)",
		},
		{
			"it was given up", with(called, func(c *why.Course) {
				c.Outcome, c.Attempts, c.Ended, c.How, c.Answer = events.OutcomeGaveUp, 5, begun.Add(time.Hour), "connection refused", "no answer, at call 5"
			}),
			"triggered done (by the clock) ─ called done (no answer, at call 5) +200ms ─ started never (no run began) ─ ended done (given up after 5 calls: connection refused) +59m59.8s ─ told never (its job names nobody to tell)",
		},
	} {
		if got := courseText((why.At{Now: now, Zone: paris}).Course(c.in)); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}
