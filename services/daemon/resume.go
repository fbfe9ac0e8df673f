package daemon

import (
	"context"
	"sync/atomic"
	"time"
)

// How often it is looked whether what waits may go on: where this process has put some
// aside, and else.
const (
	lookForOurs   = time.Second
	lookForOthers = 10 * time.Second
)

// KeepResuming has resume put back what was put aside and may go on, until ctx ends.
// aside says that this process has put something aside; left, that something goes on
// waiting. What fails is told to failed, and tried again.
func KeepResuming(ctx context.Context, aside *atomic.Bool, resume func(context.Context) (left bool, err error), failed func(error)) {
	took := time.Duration(0) // by the last look: with very many there is a pause of ten times as long
	for next := time.Now(); ctx.Err() == nil; Pause(ctx, max(lookForOurs, 10*took)) {
		if !aside.Load() && time.Now().Before(next) {
			continue
		}
		began := time.Now()
		next = began.Add(lookForOthers)
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
