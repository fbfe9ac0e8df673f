package runner

import (
	"context"
	"math/rand/v2"
	"strings"
	"time"

	"spool.internal/events"
)

// notYet says that the next attempt of a run is due later.
type notYet struct{ next time.Time }

func (n notYet) Error() string { return "the next attempt is due at " + n.next.Format(time.RFC3339) }

// conclude stores how an attempt ended: as the end of its run, or as the reason of
// the next attempt, whose time is the error then. It is the event that keeps that
// time; the queue, which may lose it in a crash, only has to bring the run again.
func (r *Runner) conclude(ctx context.Context, a *attempt, ev events.RunEvent, seq uint64, superseded bool) error {
	wait, again := startsAgain(a, ev)
	if again = again && !superseded; !again && !superseded {
		if again = r.triesAgain(ctx, a, &ev); again {
			wait = a.run.Retries.Wait(failures(a.earlier)+1, rand.Float64()) //nolint:gosec // spreads attempts
		} else if ev.NotBegun() {
			if err := r.giveUp(ctx, a.run, ev); err != nil {
				return err
			}
		}
	}
	if again || len(a.earlier) > 0 {
		ev.Attempts = ev.AttemptsWith()
	}
	if again {
		ev.Phase, ev.Next = events.Retrying, ev.At.Add(wait)
	}
	stored, err := r.record(ctx, ev, seq, a.log)
	if err != nil || stored.Phase != events.Retrying {
		return err
	}
	a.log.Info("an attempt failed and is retried", "next", ev.Next.Format(time.RFC3339), "message", ev.Message)
	return notYet{ev.Next}
}

// failures counts the attempts that use up the retries of a job.
func failures(attempts []events.Attempt) int {
	return events.Failures(attempts) - events.Starts(attempts)
}

// triesAgain decides whether another attempt follows one that ended with ev, in which
// it says why not where that surprises.
func (r *Runner) triesAgain(ctx context.Context, a *attempt, ev *events.RunEvent) bool {
	if ev.Status == events.OK || strings.HasPrefix(ev.Message, events.CancelledBy) ||
		!a.run.Retries.Again(ev.ExitStatus, failures(a.earlier)+1) {
		return false
	}
	// Those that wait take up places of the queue. When nearly all are taken, new runs
	// go first; when that cannot be found out, it is as good as always.
	if waiting, _, err := r.bus.Unsettled(ctx, r.queue()); err == nil && waiting > maxQueued/10*9 {
		ev.Message += "; not tried again: too many runs wait for their next attempt"
		return false
	}
	return true
}

// backOff waits for the next attempt of a run whose last has failed: the error is
// [notYet] before its time.
func backOff(last events.RunEvent) error {
	if last.Phase == events.Retrying && time.Now().Before(last.Next) {
		return notYet{last.Next}
	}
	return nil
}

// givenUp is the end of a run that is not started, or not tried again, after all.
func (a *attempt) givenUp(last events.RunEvent, message string) events.RunEvent {
	ended := a.ended(last.StartedAt, message)
	if last.Phase == events.Retrying {
		ended = last
		ended.Phase, ended.At, ended.Next, ended.Message = events.Ended, time.Now().UTC(), time.Time{}, message
	}
	return ended
}
