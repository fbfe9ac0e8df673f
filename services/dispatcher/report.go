package dispatcher

import (
	"context"
	"reflect"
	"time"

	"spool.internal/events"
	"spool.internal/events/wait"
)

// reportEvery is how often the state of a job is published, at most.
const reportEvery = time.Second

// report is a state as it was published last.
type report struct {
	state events.RetryState
	at    time.Time
}

// report publishes what waits, in STATE, until ctx ends.
func (d *Dispatcher) report(ctx context.Context) {
	last := map[string]report{}
	tick := time.NewTimer(wait.Whole(reportEvery))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			tick.Reset(wait.Whole(reportEvery))
			d.publishStates(ctx, last, now)
		}
	}
}

// publishStates publishes what differs from last, by job. What cannot be stored is left to the next tick.
func (d *Dispatcher) publishStates(ctx context.Context, last map[string]report, now time.Time) {
	states, cleared := d.waiting.states(now)
	gate := d.endpoints.open()
	for _, id := range cleared {
		if err := d.bus.RetryState(id).Clear(ctx); err != nil {
			d.waiting.done("", id, true)
			continue
		}
		delete(last, id)
	}
	for id, s := range states {
		s.Gate = gate
		if old := last[id]; reflect.DeepEqual(s, old.state) && !now.Truncate(events.StateRenew).After(old.at) {
			continue
		}
		if d.bus.PutRetryState(ctx, s) != nil {
			return
		}
		last[id] = report{s, now}
	}
}
