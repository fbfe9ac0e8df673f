package cron

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

// The clock was a day ahead for one pass. After a rewind, slots are answered for at
// their true time; those that the pass has answered for are so a second time.
func TestRewind(t *testing.T) {
	for name, open := range map[string]func() ledger{
		"memory": func() ledger { return &memory{} },
		"stream": func() ledger { return stream{eventstest.Bus(t)} },
	} {
		t.Run(name, func(t *testing.T) {
			s, j, h := open(), newJournal(), &testClock{}
			d := newEditor(j.put)
			jobs := newIndex(time.UTC, quiet(t))
			j.attach(jobs)
			l := newLoop(replica(t, s, j, jobs, h.now))
			e, worker := l.engine, newDrainer(s, l)
			d.create(at(0, 0), "all", "0 * * * *", options{CatchUp: "all"})
			d.create(at(0, 0), "latest", "0 * * * *", options{})
			h.set(at(1, 0))
			persist(t, e)
			h.set(at(6, 0)) // it is 02:30 in truth
			persist(t, e)
			h.set(at(2, 30))
			if err := e.pass(t.Context()); err == nil {
				t.Fatal("a pass with a clock that is ahead")
			}
			got, err := rewind(t.Context(), s, h.now())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(Rewound{From: at(6, 0), To: at(2, 30), Backlog: 3}, got); diff != "" {
				t.Errorf("rewound (-want +got):\n%s", diff)
			}
			if _, err := rewind(t.Context(), s, h.now()); events.CodeOf(err) != events.Invalid {
				t.Errorf("a rewind of a clock that is right: %v", err)
			}
			for _, now := range []time.Time{at(2, 31), at(3, 0), at(4, 0)} {
				h.set(now)
				persist(t, e)
				if err := worker.load(t.Context()); err != nil {
					t.Fatal(err)
				}
				if err := worker.step(t.Context(), 100); err != nil {
					t.Fatal(err)
				}
			}
			fired, passed := s.all(t)
			want := []string{
				"all 01:00 fired", "all 02:00 fired", "all 03:00 fired", "all 04:00 fired", "all 06:00 fired",
				"latest 01:00 fired", "latest 02:00-05:00 superseded (a newer slot ran instead)",
				"latest 03:00 fired", "latest 04:00 fired", "latest 06:00 fired",
			}
			if diff := cmp.Diff(want, show(fired, passed)); diff != "" {
				t.Errorf("stored (-want +got):\n%s", diff)
			}
		})
	}
}

// A pass that was cut short is cut at the minute to rewind to.
func TestRewindDuringAPass(t *testing.T) {
	minute := events.MinuteOf(at(2, 30))
	for name, c := range map[string]struct{ clock, want events.Clock }{
		"begun before the minute": {
			events.Clock{From: minute - 5, Minute: minute + 90, Cursor: "j", JobsSeq: 7},
			events.Clock{From: minute - 5, Minute: minute, Cursor: "j", JobsSeq: 7},
		},
		"begun after the minute": {
			events.Clock{From: minute + 5, Minute: minute + 90, Cursor: "j", JobsSeq: 7},
			events.Clock{From: minute, Minute: minute, JobsSeq: 7},
		},
	} {
		s := &memory{}
		if _, err := s.CommitPass(t.Context(), c.clock, 0, events.Answers{}); err != nil {
			t.Fatal(err)
		}
		if _, err := rewind(t.Context(), s, at(2, 30, 59*time.Second)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, s.clock); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
