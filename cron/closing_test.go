package cron

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spool.internal/events"
)

// course makes the history of a job minute by minute from short words: + create or
// enable, - disable, e edit, r rename. Each comes at the minute beside it.
func course(t *testing.T, steps ...any) (history []events.Period) {
	t.Helper()
	r := events.Period{Enabled: true, Born: steps[1].(events.Minute)}
	r.Schedule, r.CatchUp = "* * * * *", events.CatchUpLatest
	for i := 0; i < len(steps); i += 2 {
		start := steps[i+1].(events.Minute)
		r.Seq, r.Created = uint64(i/2+1), i == 0
		switch steps[i] {
		case "+":
			r.Enabled, r.Start = true, start
		case "-":
			r.Enabled, r.Start = false, start
		case "e":
			r.Start = start
			r.Schedule = map[string]string{"* * * * *": "*/2 * * * *", "*/2 * * * *": "* * * * *"}[r.Schedule]
		}
		if err := r.Parse(time.UTC); err != nil {
			t.Fatal(err)
		}
		history = append(history, r)
	}
	return history
}

func TestSettle(t *testing.T) {
	day := events.MinuteOf(at(0, 0))
	m := func(n events.Minute) events.Minute { return day + n }
	for _, c := range []struct {
		name    string
		history []events.Period
		seen    uint64
		done    events.Minute
		want    []string
	}{
		{"nothing new", course(t, "+", m(0), "-", m(5)), 2, m(9), nil},
		{"created in time", course(t, "+", m(9)), 0, m(9), nil},
		{
			"created, and stored when its first slots had passed", course(t, "+", m(7)), 0, m(9),
			[]string{"1: 00:08-00:08 superseded (a newer slot ran instead)", "1: 00:09 fired"},
		},
		{
			"created late and changed at once", course(t, "+", m(7), "-", m(8)), 0, m(9),
			[]string{"1: 00:08-00:08 missed (disabled before it could run)"},
		},
		{"renamed", course(t, "+", m(0), "r", m(12)), 1, m(9), nil},
		{"edited in time", course(t, "+", m(0), "e", m(9)), 1, m(9), nil},
		{"edited while away", course(t, "+", m(0), "r", m(10), "e", m(12)), 1, m(9), []string{"3: 00:10-00:12 missed (edited)"}},
		{"edited late: its slots ran as they were before", course(t, "+", m(0), "e", m(8)), 1, m(9), nil},
		{"disabled while away", course(t, "+", m(0), "-", m(12)), 1, m(9), []string{"2: 00:10-00:12 missed (disabled before it could run)"}},
		{"enabled", course(t, "+", m(0), "-", m(3), "r", m(5), "+", m(9)), 3, m(9), []string{"4: 00:04-00:09 disabled"}},
		{
			"enabled late", course(t, "+", m(0), "-", m(3), "+", m(8)), 2, m(9),
			[]string{"3: 00:04-00:08 disabled", "3: 00:09 fired"},
		},
		{
			"edited while disabled", course(t, "+", m(0), "-", m(3), "e", m(6), "+", m(9)), 2, m(9),
			[]string{"3: 00:04-00:06 disabled", "4: 00:08-00:08 disabled"},
		},
		{"the oldest events are forgotten", course(t, "+", m(0), "r", m(1), "r", m(8))[1:], 0, m(9), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, closingLines(closings(c.history, c.seen, c.done, c.done.Time()))); diff != "" {
				t.Errorf("settled (-want +got):\n%s", diff)
			}
		})
	}
}

// closings writes each as a line with the sequence of its change.
func closingLines(all []closing) (lines []string) {
	for _, c := range all {
		var fired []events.Trigger
		var passed []events.Verdict
		for _, p := range c.passed {
			passed = append(passed, events.Verdict{From: p.from, To: p.to, Verdict: p.verdict, Reason: p.reason})
		}
		if c.fire != 0 {
			fired = append(fired, events.Trigger{Minute: c.fire})
		}
		for _, line := range show(fired, passed) {
			lines = append(lines, fmt.Sprintf("%d:%s", c.seq, line))
		}
	}
	return lines
}

// A pass can be cut short after any change, and the next one goes on from there.
func TestSettlingIsTheSameInParts(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	day := events.MinuteOf(at(0, 0))
	for range 300 {
		minute := day
		steps := []any{"+", minute}
		for range dice.IntN(12) {
			minute += events.Minute(dice.Int64N(5))
			steps = append(steps, []any{"+", "-", "e", "r"}[dice.IntN(4)], minute)
		}
		history, done := course(t, steps...), day+events.Minute(dice.Int64N(30))
		whole := closingLines(closings(history, 0, done, done.Time()))
		for cut := range uint64(len(history)) {
			var parts []string
			for _, c := range closings(history, 0, done, done.Time()) {
				if c.seq <= cut {
					parts = append(parts, closingLines([]closing{c})...)
				}
			}
			parts = append(parts, closingLines(closings(history, cut, done, done.Time()))...)
			if diff := cmp.Diff(whole, parts); diff != "" {
				t.Fatalf("%v, done %d, cut after %d (-whole +parts):\n%s", steps, done-day, cut, diff)
			}
		}
	}
}
