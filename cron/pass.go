package cron

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"spool.internal/events"
)

// store holds the clock and takes what moves it; jet.Bus is one.
type store interface {
	Clock(ctx context.Context) (c events.Clock, at uint64, err error)
	CommitPass(ctx context.Context, c events.Clock, expect uint64, a events.Answers) (uint64, error)
}

// jobLog keeps the index up to date and knows what jobs were before.
type jobLog interface {
	// Barrier returns once the index includes every event acknowledged before the call.
	Barrier(ctx context.Context) (uint64, error)
	// History gives the events of one job that are still stored, oldest first.
	History(ctx context.Context, jobID string) ([]events.JobChange, error)
}

const (
	ahead    = 2 // minutes that the committed clock may be ahead of this machine's
	patience = 10 * time.Second
)

var errAhead = errors.New("the committed clock is ahead of this machine's")

// engine makes passes. One goroutine owns it.
type engine struct {
	store store
	jobs  jobLog
	index *index
	watch *watchdog
	meter *meter
	log   *slog.Logger
	now   func() time.Time // where this machine's clock is ahead, without what it is ahead by
	skew  *skew
	batch int // messages in a commit, without the clock

	clock events.Clock // as committed
	at    uint64       // its sequence; 0 = there has never been one
	known bool         // that both are so; another replica may still have moved it

	quiet events.Minute // up to which nothing was due since the clock: it is as good as committed
}

// answered is the minute up to which nothing is owed.
func (e *engine) answered() events.Minute { return max(e.clock.Minute, e.quiet) }

// behind reports whether a pass would do anything.
func (e *engine) behind() bool {
	return !e.known || !e.clock.Done() || e.answered() < events.MinuteOf(e.now())
}

// pass brings the clock to the present minute. After an error the next pass begins
// with what is committed by then.
func (e *engine) pass(ctx context.Context) (err error) {
	defer func() {
		if e.known = err == nil; e.known {
			e.watch.saw(e.answered())
		}
	}()
	for fresh := !e.known; ; fresh = false {
		if !e.known {
			if e.clock, e.at, err = e.store.Clock(ctx); err != nil {
				return err
			}
			e.known, e.quiet = true, 0
			if e.clock.Done() { // another replica may have done what we did not
				e.index.advance(e.clock.Minute, e.clock.JobsSeq)
			}
		}
		// The time comes before the barrier: a job that the barrier does not show was
		// stored after it, so no slot up to now is that job's.
		if err := e.skew.ask(ctx); err != nil {
			return err
		}
		now := e.now()
		minute := events.MinuteOf(now)
		switch {
		case e.clock.Minute > minute+ahead:
			return fmt.Errorf("%w: it says %s, here it is %s: set the machine's clock right or run: spool cron rewind",
				errAhead, e.clock.Minute.Time().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
		case e.clock.Minute > minute, e.answered() == minute && e.clock.Done() && e.at > 0:
			if fresh { // to be ready is to know the jobs, too
				return barrier(ctx, e.jobs)
			}
			return nil
		}
		if err := barrier(ctx, e.jobs); err != nil {
			return err
		}
		if err := e.answer(ctx, now); err != nil {
			return err
		}
	}
}

// barrier waits for the index, but not for ever: a feed that hangs must be noticed.
func barrier(ctx context.Context, jobs jobLog) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err := jobs.Barrier(ctx)
	return err
}

// answer commits what is owed up to now, or the rest of a pass that was cut short.
func (e *engine) answer(ctx context.Context, now time.Time) error {
	if e.at == 0 { // cron was never here: nothing is answered for since the first job came
		first := e.index.oldest(events.MinuteOf(now) - 1)
		e.clock = events.Clock{From: first, Minute: first}
	}
	old, end := e.clock, events.Clock{From: e.clock.Minute, Minute: events.MinuteOf(now)}
	if !old.Done() {
		end.From, end.Minute = old.From, old.Minute
	}
	v := e.index.view(old.JobsSeq, end.From, end.Minute, old.Cursor)
	end.JobsSeq = v.seq
	if e.isQuiet(v, end) {
		e.quiet = end.Minute
		return nil
	}
	changes, err := e.changes(ctx, v, now)
	if err != nil {
		return err
	}
	err = e.commit(ctx, now, end, func(yield func(step) bool) {
		for _, s := range changes {
			if !yield(s) {
				return
			}
		}
		v.slots(end, now)(yield)
	})
	if err == nil {
		e.index.advance(end.Minute, end.JobsSeq)
	}
	return err
}

// isQuiet reports whether the minutes up to the end of a pass need no commit of their own: none of them
// is a slot, no job has changed, and they end no half hour. Whoever comes next owes them nothing either,
// and says of the time since the clock that nobody was there: so it must not get old.
func (e *engine) isQuiet(v view, end events.Clock) bool {
	return e.at > 0 && e.clock.Done() && len(v.due) == 0 && v.seq == e.clock.JobsSeq && end.Minute/events.QuietMinutes == e.clock.Minute/events.QuietMinutes
}

// rest commits the minutes since the clock in which nothing was due, before a stop in order: so that the
// next start knows since when nobody was there.
func (e *engine) rest(ctx context.Context) {
	if !e.known || e.quiet <= e.clock.Minute {
		return
	}
	end := events.Clock{From: e.clock.Minute, Minute: e.quiet, JobsSeq: e.clock.JobsSeq}
	if at, err := e.store.CommitPass(ctx, end, e.at, events.Answers{}); err == nil {
		e.clock, e.at = end, at
	}
}
