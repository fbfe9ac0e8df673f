package cron

import (
	"context"
	"iter"
	"log/slog"
	"time"

	"spool.internal/events"
	"spool.internal/events/faultpoint"
)

// commit stores the steps in as few batches as they fit in, each with the clock
// that it takes us to, and at the end the clock of the finished pass. While one
// batch is on its way the next one is made.
func (e *engine) commit(ctx context.Context, now time.Time, end events.Clock, steps iter.Seq[step]) error {
	var (
		batch                      events.Answers
		triggers, verdicts, owings int
	)
	down := e.down(now)
	sent := make(chan error, 1) // what became of the batch before
	sent <- nil
	store := func(c events.Clock) error {
		a := batch
		batch = events.Answers{}
		a.Encode()
		triggers, verdicts, owings = triggers+len(a.Fired), verdicts+len(a.Passed), owings+len(a.Later)
		if err := <-sent; err != nil {
			return err
		}
		go func() {
			if len(a.Fired) > 0 {
				faultpoint.Hit(faultpoint.SlotsReckoned)
			}
			at, err := e.store.CommitPass(ctx, c, e.at, a)
			if len(a.Fired) > 0 {
				faultpoint.Hit(faultpoint.SlotsStored)
			}
			if err == nil {
				e.clock, e.at = c, at
				e.meter.count(a, now)
			}
			sent <- err
		}()
		return nil
	}
	var reached events.Clock
	for s := range steps {
		if batch.Len() > 0 && batch.Len()+s.size() > e.batch {
			if err := store(reached); err != nil {
				return err
			}
		}
		s.addTo(&batch, now, down)
		reached = s.clock
	}
	err := store(end)
	if err == nil {
		err = <-sent
	}
	if err != nil {
		return err
	}
	level := slog.LevelDebug
	if end.Minute-max(end.From, e.quiet) > 1 { // no ordinary minute
		level = slog.LevelInfo
	}
	e.log.Log(ctx, level, "slots committed", "since", end.From.Time(), "minute", end.Minute.Time(),
		"triggers", triggers, "verdicts", verdicts, "backlogs", owings)
	return nil
}

// down is the time since slots were answered for last; nil when they never were.
func (e *engine) down(now time.Time) *events.Downtime {
	if e.at == 0 {
		return nil
	}
	last := e.clock.Minute
	if !e.clock.Done() {
		last = e.clock.From
	}
	return &events.Downtime{From: last.Time(), To: now.UTC()}
}

// addTo adds what a step leads to; down is told with what is late.
func (s step) addTo(a *events.Answers, now time.Time, down *events.Downtime) {
	if s.fire != 0 {
		t := trigger(s.jobID, s.jobSeq, s.fire, now)
		if events.CaughtUp(s.fire, now) {
			t.Down = down
		}
		a.Fired = append(a.Fired, t)
	}
	for _, p := range s.passed {
		v := p.of(s.jobID, now)
		switch {
		case v.Reason == events.WhyNotRunning, v.Reason == events.WhyTooOld:
			v.Down = down
		case v.Verdict == events.VerdictSuperseded:
			v.Ran = s.fire
		}
		a.Passed = append(a.Passed, v)
	}
	if s.later != nil {
		later := *s.later
		later.Down = down
		a.Later = append(a.Later, events.Backlog{JobID: s.jobID, Owed: []events.Stretch{later}})
	}
}

// trigger is the trigger of one slot.
func trigger(jobID string, jobSeq uint64, slot events.Minute, now time.Time) events.Trigger {
	return events.Trigger{
		ID: events.CronTriggerID(jobID, slot), JobID: jobID, Kind: events.KindCron,
		JobSeq: jobSeq, At: now.UTC(), Minute: slot,
	}
}

func (s span) of(jobID string, now time.Time) events.Verdict {
	return events.Verdict{JobID: jobID, From: s.from, To: s.to, Verdict: s.verdict, Reason: s.reason, At: now.UTC()}
}
