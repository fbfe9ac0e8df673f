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
		s.addTo(&batch, now)
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
	if end.Minute-end.From > 1 { // no ordinary minute
		level = slog.LevelInfo
	}
	e.log.Log(ctx, level, "slots committed", "since", end.From.Time(), "minute", end.Minute.Time(),
		"triggers", triggers, "verdicts", verdicts, "backlogs", owings)
	return nil
}

func (s step) addTo(a *events.Answers, now time.Time) {
	if s.fire != 0 {
		a.Fired = append(a.Fired, trigger(s.jobID, s.jobSeq, s.fire, now))
	}
	for _, p := range s.passed {
		a.Passed = append(a.Passed, p.of(s.jobID, now))
	}
	if s.later != nil {
		a.Later = append(a.Later, events.Backlog{JobID: s.jobID, Owed: []events.Stretch{*s.later}})
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
