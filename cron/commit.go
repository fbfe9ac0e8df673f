package cron

import (
	"context"
	"iter"
	"log/slog"
	"time"

	"spool.internal/events"
)

// commit stores the steps in as few batches as they fit in, each with the clock
// that it takes us to, and at the end the clock of the finished pass.
func (e *engine) commit(ctx context.Context, now time.Time, end events.Clock, steps iter.Seq[step]) error {
	var (
		fired    []events.Trigger
		passed   []events.Verdict
		triggers int
		verdicts int
	)
	store := func(c events.Clock) error {
		at, err := e.store.CommitClock(ctx, c, e.at, fired, passed)
		if err != nil {
			return err
		}
		e.clock, e.at = c, at
		triggers, verdicts = triggers+len(fired), verdicts+len(passed)
		fired, passed = fired[:0], passed[:0]
		return nil
	}
	var reached events.Clock
	for s := range steps {
		if len(fired)+len(passed)+1+len(s.passed) > e.batch && len(fired)+len(passed) > 0 {
			if err := store(reached); err != nil {
				return err
			}
		}
		if s.fire != 0 {
			fired = append(fired, s.trigger(now))
		}
		for _, p := range s.passed {
			passed = append(passed, events.Verdict{
				JobID: s.jobID, From: p.from, To: p.to, Verdict: p.verdict, Reason: p.reason, At: now.UTC(),
			})
		}
		reached = s.clock
	}
	if err := store(end); err != nil {
		return err
	}
	level := slog.LevelDebug
	if end.Minute-end.From > 1 { // no ordinary minute
		level = slog.LevelInfo
	}
	e.log.Log(ctx, level, "slots committed", "since", timeOf(end.From), "minute", timeOf(end.Minute),
		"triggers", triggers, "verdicts", verdicts)
	return nil
}

func (s step) trigger(now time.Time) events.Trigger {
	return events.Trigger{
		ID: events.CronTriggerID(s.jobID, s.fire), JobID: s.jobID, Kind: events.KindCron,
		JobSeq: s.jobSeq, At: now.UTC(), Minute: s.fire,
	}
}
