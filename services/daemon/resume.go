package daemon

import (
	"context"
	"sync/atomic"
	"time"

	"spool.internal/events/wait"
)

// How often it is checked whether paused work may go on: work that this process paused, and work
// that others did.
const (
	checkOurs   = time.Second
	checkOthers = 10 * time.Second
)

// KeepResuming calls resume until ctx ends, to put paused work that may go on back into its queue:
// every second while aside is set, because this process has paused something or resume said that
// something is left, and otherwise every 10 s. failed gets the errors of resume, which is retried.
func KeepResuming(ctx context.Context, aside *atomic.Bool, resume func(context.Context) (left bool, err error), failed func(error)) {
	took := time.Duration(0) // by the last call: the pause is ten times as long, for very many jobs
	for next := time.Now(); ctx.Err() == nil; _ = wait.Sleep(ctx, max(wait.Whole(checkOurs), 10*took)) {
		if !aside.Load() && time.Now().Before(next) {
			continue
		}
		began := time.Now()
		next = began.Add(checkOthers)
		aside.Store(false)
		left, err := resume(ctx)
		took = time.Since(began)
		if err != nil && ctx.Err() == nil {
			failed(err)
		}
		if left || err != nil {
			aside.Store(true)
		}
	}
}
