package cron

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"spool.internal/events"
)

// plot is what happens to some jobs in some minutes; advance is where passes are made.
type plot struct {
	*editor
	now time.Time
}

func (p *plot) play(advance func()) {
	for n := range 7 {
		p.create(p.now, fmt.Sprint("every-", n), "* * * * *", options{CatchUp: []events.CatchUp{"latest", "none", "all"}[n%3]})
	}
	for n := range 3 {
		p.create(p.now, fmt.Sprint("five-", n), "*/5 * * * *", options{})
	}
	p.create(p.now, "shade-0", "* * * * *", options{Shadow: true, CatchUp: events.CatchUpAll})
	p.create(p.now, "shade-1", "*/2 * * * *", options{})
	for minute := range 12 {
		p.now = p.now.Add(time.Minute)
		switch minute {
		case 2:
			p.disable(p.now, "shade-1")
			p.edit(p.now, "shade-1", "*/2 * * * *", options{Shadow: true})
		case 3:
			p.disable(p.now, "every-1")
			p.edit(p.now, "every-2", "*/2 * * * *", options{})
			p.rename(p.now, "every-3")
		case 5:
			p.edit(p.now, "every-1", "*/3 * * * *", options{})
			for _, id := range []string{"five-0", "five-1", "five-2", "every-3", "every-5"} {
				p.disable(p.now, id)
			}
			p.create(p.now, "every-7", "* * * * *", options{})
			p.edit(p.now, "shade-0", "*/3 * * * *", options{Shadow: true})
			p.edit(p.now, "shade-1", "*/2 * * * *", options{})
			p.now = p.now.Add(4 * time.Minute) // a step of the clock
		case 8: // more than one batch of changes, and not in the order of jobs
			for _, id := range []string{"every-5", "five-2", "five-1", "every-3", "five-0"} {
				p.enable(p.now.Add(-time.Second), id)
				p.disable(p.now, id)
				p.enable(p.now, id)
			}
			p.edit(p.now, "shade-1", "*/2 * * * *", options{Shadow: true, CatchUp: events.CatchUpNone})
			p.now = p.now.Add(6 * time.Minute)
			for _, id := range []string{"five-2", "every-3", "every-5"} {
				p.edit(p.now, id, "*/4 * * * *", options{})
			}
			p.now = p.now.Add(6 * time.Minute)
		case 9:
			p.enable(p.now, "every-1")
			p.enable(p.now, "shade-0")
			p.enable(p.now, "shade-1")
			p.disable(p.now, "every-4")
			p.remove(p.now, "five-1")
		case 10:
			p.enable(p.now, "every-4")
			p.disable(p.now, "every-4")
			p.now = p.now.Add(time.Minute)
		}
		advance()
	}
}

// Whichever commit fails, in whichever way, and whether the replica lives on or
// another takes its place: no slot is doubled, none is missing.
func TestDyingBetweenCommits(t *testing.T) {
	for what, name := range fates {
		for _, dies := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, dies %v", name, dies), func(t *testing.T) {
				for n := 1; ; n++ {
					if !dieAt(t, n, what, dies) {
						if n < 20 {
							t.Errorf("only %d commits were made", n)
						}
						return
					}
					if t.Failed() {
						t.Fatalf("commit %d", n)
					}
				}
			})
		}
	}
}

// dieAt plays with a fault at the n-th commit and tells whether it came to that.
func dieAt(t *testing.T, n int, what fate, dies bool) (came bool) {
	j := newJournal()
	s := &memory{}
	p := &plot{editor: newEditor(j.put), now: at(0, 0)}
	clock := func() time.Time { return p.now }
	start := func() *engine {
		jobs := newIndex(time.UTC, quiet(t))
		j.attach(jobs)
		return replica(t, s, j, jobs, clock)
	}
	e := start()
	s.meddle = func(commit int) fate {
		if commit != n {
			return stored
		}
		came = true
		return what
	}
	p.play(func() {
		was := came
		if err := e.pass(t.Context()); err != nil && !dies {
			persist(t, e)
		}
		if came && !was {
			// Between the fault and the next pass the jobs change and time goes on.
			p.rename(p.now, "every-0")
			p.disable(p.now, "every-6")
			p.edit(p.now, "every-5", "*/2 * * * *", options{})
			p.now = p.now.Add(time.Minute)
			p.enable(p.now, "every-6")
			if dies {
				j.detach(e.index)
				e = start()
			}
			persist(t, e)
		}
	})
	fired, passed := s.all(t)
	audit(t, j.history, fired, passed, s, p.now)
	return came
}

// interrupted is a jobLog in which something happens while a history is read.
type interrupted struct {
	*journal
	happen func()
}

func (i *interrupted) History(ctx context.Context, id string) ([]events.JobChange, error) {
	if i.happen != nil {
		i.happen()
		i.happen = nil
	}
	return i.journal.History(ctx, id)
}

func TestChangeWhileHistoryIsRead(t *testing.T) {
	for _, change := range []func(d *editor, now time.Time){
		func(d *editor, now time.Time) { d.disable(now, "j") },
		func(d *editor, now time.Time) { d.edit(now, "j", "*/2 * * * *", options{}) },
		func(d *editor, now time.Time) { d.remove(now, "j") },
	} {
		j, s, h := &interrupted{journal: newJournal()}, &memory{}, &testClock{}
		d := newEditor(j.put)
		jobs := newIndex(time.UTC, quiet(t))
		j.attach(jobs)
		e := replica(t, s, j, jobs, h.now)
		d.create(at(0, 0), "j", "* * * * *", options{})
		d.disable(at(0, 2), "j")
		d.enable(at(0, 4), "j")
		h.set(at(0, 6))
		j.happen = func() { change(d, at(0, 6)) }
		for minute := 6; minute < 12; minute++ {
			h.set(at(0, minute))
			persist(t, e)
			if _, ok := d.jobs["j"]; ok && minute == 9 {
				d.enable(at(0, 9, time.Second), "j")
			}
		}
		fired, passed := s.all(t)
		audit(t, j.history, fired, passed, s, h.now())
	}
}

// Two replicas race for every minute, they die and come back now and then, and
// jobs change at any time, most of all in the moment before a minute: then an event
// can be stored after the pass that it would have been for.
func TestReplicasRace(t *testing.T) {
	for seed := range uint64(5) {
		synctest.Test(t, func(t *testing.T) {
			dice := rand.New(rand.NewPCG(seed, 0))
			w := newHarness(t)
			w.meddle = func(int) fate {
				// A commit takes a while, and not all of them go well.
				time.Sleep(rand.N(20 * time.Millisecond))
				return []fate{refused, unknown, unknownGone, stored}[min(rand.N(100), 3)]
			}
			w.editor.put = func(_ time.Time, ev events.JobEvent) {
				if ev.Event != events.JobUpdated {
					time.Sleep(rand.N(20 * time.Millisecond))
				}
				w.journal.put(time.Now(), ev)
			}
			schedules := []string{"* * * * *", "*/2 * * * *", "*/7 * * * *", "30 * * * *", "@hourly", "0 0 30 2 1"}
			for n := range 30 {
				w.create(time.Now(), fmt.Sprint("job-", n), schedules[dice.IntN(len(schedules))],
					options{CatchUp: []events.CatchUp{"latest", "none", "all"}[n%3]})
			}
			_, stopFirst := w.start()
			_, stopSecond := w.start()
			for n := range 300 {
				time.Sleep(time.Duration(dice.Int64N(int64(40 * time.Second))))
				if n%2 == 0 {
					time.Sleep(time.Until(time.Now().Truncate(time.Minute).Add(time.Minute - rand.N(10*time.Millisecond))))
				}
				id := fmt.Sprint("job-", dice.IntN(30))
				j, ok := w.jobs[id]
				now := time.Now()
				switch what := dice.IntN(12); {
				case what == 0:
					stopFirst()
					time.Sleep(time.Duration(dice.Int64N(int64(5 * time.Minute))))
					_, stopFirst = w.start()
				case what == 1:
					stopFirst()
					stopSecond()
					time.Sleep(time.Duration(dice.Int64N(int64(5 * time.Hour))))
					_, stopFirst = w.start()
					_, stopSecond = w.start()
				case !ok:
					w.create(now, fmt.Sprint("late-", n), "* * * * *", options{})
				case what == 2:
					w.remove(now, id)
				case what < 5:
					w.edit(now, id, schedules[dice.IntN(len(schedules))], options{spooled: what == 3 && n%4 == 0})
				case what < 7:
					w.rename(now, id)
				case j.Status == "ENABLED":
					w.disable(now, id)
				default:
					w.enable(now, id)
				}
			}
			w.until(int(time.Since(at(0, 0)).Hours())+1, 0, 30*time.Second)
			stopFirst()
			stopSecond()
			fired, passed := w.all(t)
			audit(t, w.history, fired, passed, w.memory, time.Now())
			newest := map[string]events.Minute{}
			for _, f := range fired {
				if events.CaughtUp(f.Minute, f.At) {
					continue // of a backlog, perhaps
				}
				if f.Minute <= newest[f.JobID] {
					t.Errorf("%s came after a newer one", f.ID)
				}
				newest[f.JobID] = f.Minute
			}
		})
	}
}
