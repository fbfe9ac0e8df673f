// Package wait has the ways of waiting that every service needs: for a time, for
// longer and longer between attempts, and for a signal.
//
//	retry := wait.Backoff{First: 100 * time.Millisecond, Last: 5 * time.Second}
//	for {
//		if err := try(ctx); err == nil {
//			return nil
//		}
//		if err := retry.Wait(ctx); err != nil {
//			return err // ctx has ended
//		}
//	}
//
// Nothing here starts a goroutine, and every wait ends with its context.
package wait

import (
	"context"
	"math/rand/v2"
	"time"
)

// Sleep waits for d. It returns early, with the context's cause, when ctx ends; also
// where d is not above zero and ctx has ended already.
func Sleep(ctx context.Context, d time.Duration) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Whole is how long it takes until the clock comes to a whole multiple of d, such as the next
// half hour: what several parts do so seldom is done at once, and a disk wakes once for it.
func Whole(d time.Duration) time.Duration {
	now := time.Now()
	return now.Truncate(d).Add(d).Sub(now)
}

// Jitter returns d, up to 20 % more or less, so that replicas do not stay in step.
func Jitter(d time.Duration) time.Duration {
	if fifth := d / 5; fifth > 0 {
		return d - fifth + rand.N(2*fifth)
	}
	return d
}

// Backoff is a wait between attempts that doubles from First up to Last. The zero
// value of the fields that are not exported is ready for use; it is not safe for
// concurrent use.
type Backoff struct {
	First time.Duration // before the second attempt
	Last  time.Duration // the longest wait; zero: First, so that all waits are alike

	next time.Duration
}

// Next returns how long to wait now, and doubles the wait after it.
func (b *Backoff) Next() time.Duration {
	d := max(b.next, b.First)
	b.next = min(2*d, max(b.Last, b.First))
	return d
}

// Reset begins anew with First: after a success.
func (b *Backoff) Reset() { b.next = 0 }

// Wait sleeps for [Backoff.Next]. Its error is the context's cause.
func (b *Backoff) Wait(ctx context.Context) error { return Sleep(ctx, b.Next()) }

// Wake is a signal that is remembered once: any number of [Wake.Set] before the
// receiver looks are one. Set never blocks, and any goroutine may call it.
type Wake chan struct{}

// NewWake makes a signal that is not set.
func NewWake() Wake { return make(Wake, 1) }

// Set wakes the receiver of the channel, now or when it next receives.
func (w Wake) Set() {
	select {
	case w <- struct{}{}:
	default:
	}
}
