package cron

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spool.internal/events"
)

// change is one event of a job: its letter is + for create or enable, - for disable, e
// for edit, r for rename.
type change struct {
	what byte
	at   events.Minute
}

// course makes the history of a job with a slot every minute; an edit gives it every
// second one, and the next gives it all again.
func course(t *testing.T, changes ...change) (history []events.Period) {
	t.Helper()
	r := events.Period{Enabled: true, Born: changes[0].at}
	r.Schedule, r.CatchUp = "* * * * *", events.CatchUpLatest
	for i, c := range changes {
		r.Seq, r.Created = uint64(i+1), i == 0
		switch c.what {
		case '+':
			r.Enabled, r.Start = true, c.at
		case '-':
			r.Enabled, r.Start = false, c.at
		case 'e':
			r.Start = c.at
			r.Schedule = map[string]string{"* * * * *": "*/2 * * * *", "*/2 * * * *": "* * * * *"}[r.Schedule]
		case 'r':
		default:
			t.Fatalf("no change is called %q", c.what)
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
	on := func(n events.Minute) change { return change{'+', m(n)} }
	off := func(n events.Minute) change { return change{'-', m(n)} }
	edited := func(n events.Minute) change { return change{'e', m(n)} }
	renamed := func(n events.Minute) change { return change{'r', m(n)} }
	for _, c := range []struct {
		name    string
		history []events.Period
		seen    uint64
		done    events.Minute
		want    []string
	}{
		{"nothing new", course(t, on(0), off(5)), 2, m(9), nil},
		{"created in time", course(t, on(9)), 0, m(9), nil},
		{
			"created, and stored when its first slots had passed", course(t, on(7)), 0, m(9),
			[]string{"1: 00:08-00:08 superseded (a newer slot ran instead)", "1: 00:09 fired"},
		},
		{
			"created late and changed at once", course(t, on(7), off(8)), 0, m(9),
			[]string{"1: 00:08-00:08 missed (disabled before it could run)"},
		},
		{"renamed", course(t, on(0), renamed(12)), 1, m(9), nil},
		{"edited in time", course(t, on(0), edited(9)), 1, m(9), nil},
		{"edited while away", course(t, on(0), renamed(10), edited(12)), 1, m(9), []string{"3: 00:10-00:12 missed (edited)"}},
		{"edited late: its slots ran as they were before", course(t, on(0), edited(8)), 1, m(9), nil},
		{"disabled while away", course(t, on(0), off(12)), 1, m(9), []string{"2: 00:10-00:12 missed (disabled before it could run)"}},
		{"enabled", course(t, on(0), off(3), renamed(5), on(9)), 3, m(9), []string{"4: 00:04-00:09 disabled"}},
		{
			"enabled late", course(t, on(0), off(3), on(8)), 2, m(9),
			[]string{"3: 00:04-00:08 disabled", "3: 00:09 fired"},
		},
		{
			"edited while disabled", course(t, on(0), off(3), edited(6), on(9)), 2, m(9),
			[]string{"3: 00:04-00:06 disabled", "4: 00:08-00:08 disabled"},
		},
		{"the oldest events are forgotten", course(t, on(0), renamed(1), renamed(8))[1:], 0, m(9), nil},
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
		changes := []change{{'+', minute}}
		for range dice.IntN(12) {
			minute += events.Minute(dice.Int64N(5))
			changes = append(changes, change{"+-er"[dice.IntN(4)], minute})
		}
		history, done := course(t, changes...), day+events.Minute(dice.Int64N(30))
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
				t.Fatalf("%v, done %d, cut after %d (-whole +parts):\n%s", changes, done-day, cut, diff)
			}
		}
	}
}
