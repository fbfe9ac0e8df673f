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

// conclude stores how an attempt ended: as `ended`, or as `retrying` with the time of the next attempt,
// which is the error then. The event keeps that time: the queue may lose it in a crash, and only has
// to deliver the run again.
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

// triesAgain decides whether another attempt follows one that ended with ev. When the reason why not
// is the runner's it is added to the message.
func (r *Runner) triesAgain(ctx context.Context, a *attempt, ev *events.RunEvent) bool {
	if ev.Status == events.OK || strings.HasPrefix(ev.Message, events.CancelledBy) ||
		!a.run.Retries.Again(ev.ExitStatus, failures(a.earlier)+1) {
		return false
	}
	// Runs in backoff take up room in the queue. When it is nearly full new runs go first; when that
	// cannot be found out it counts as not full.
	if waiting, _, err := r.bus.Unsettled(ctx, r.queue()); err == nil && waiting > maxQueued/10*9 {
		ev.Message += "; not tried again: too many runs wait for their next attempt"
		return false
	}
	return true
}

// backOff is a [notYet] before the time of the next attempt of a run whose last one failed.
func backOff(last events.RunEvent) error {
	if last.Phase == events.Retrying && !last.Interrupted() && time.Now().Before(last.Next) {
		return notYet{last.Next}
	}
	return nil
}

// givenUp is the end of a run that is neither started nor retried any more.
func (a *attempt) givenUp(last events.RunEvent, message string) events.RunEvent {
	ended := a.ended(last.StartedAt, message)
	if last.Phase == events.Retrying {
		ended = last
		ended.Phase, ended.At, ended.Next, ended.Message = events.Ended, time.Now().UTC(), time.Time{}, message
		ended.Status = events.ERROR // of one that was cut short it says nothing
	}
	return ended
}
