package jet

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"spool.internal/events"
)

// RunQueue are the runs that wait in a pool's queue; an empty pool means every pool's.
func (b *Bus) RunQueue(pool string) View[events.Run] {
	return view[events.Run](b, streamRuns, orAll(pool, allRunQueueFilter, runQueueFilter))
}

// QueuedRun is one run in a pool's queue.
func (b *Bus) QueuedRun(pool, flowJobID string) View[events.Run] {
	return view[events.Run](b, streamRuns, runQueueSubject(pool, flowJobID))
}

// RunKeys are the accepted runs that have ended, and are remembered.
func (b *Bus) RunKeys() View[events.Run] {
	return view[events.Run](b, streamRuns, allRunKeysFilter)
}

// WaitingRuns are the accepted runs of a job that wait until it is enabled; an empty
// jobID means every job's.
func (b *Bus) WaitingRuns(jobID string) View[events.Run] {
	return view[events.Run](b, streamRuns, orAll(jobID, allPausedRunsFilter, pausedRunsFilter))
}

// AcceptRun queues a run for a pool, once: when a run of this identity has been
// accepted before, nothing is stored and that run is the answer, not fresh. It is one
// message: until the run is taken off the queue its place there is its claim,
// and [Bus.KeepRun] must have put the key in its stead by then.
func (b *Bus) AcceptRun(ctx context.Context, pool string, r events.Run) (run events.Run, fresh bool, err error) {
	_, err = b.commit(ctx, streamRuns, message{
		Subject: runQueueSubject(pool, r.FlowJobID), Data: body(r),
		Expect: new(uint64(0)), Of: acceptedRunFilter(r.FlowJobID),
	})
	if !IsConflict(err) {
		return r, err == nil, err
	}
	found := false
	err = b.untilThere(ctx, streamRuns, func() (bool, error) {
		run, found, err = b.AcceptedRun(ctx, r.FlowJobID)
		return found, err
	})
	if err == nil && !found { // its key was purged between the two
		err = &events.Error{Code: events.Unavailable, Message: "the run is being forgotten: try again"}
	}
	return run, false, err
}

// KeepRun stores the key of a run that has ended, so that it is known when it
// is off the queue. Keys lie in the order in which their runs ended.
func (b *Bus) KeepRun(ctx context.Context, pool string, r events.Run) error {
	_, err := b.commit(ctx, streamRuns, message{
		Subject: runKeySubject(pool, r.FlowJobID), Data: body(r.Over()), Expect: new(uint64(0)),
	})
	if IsConflict(err) {
		return nil
	}
	return err
}

// ForgetRuns purges the keys of runs that ended before t, and of others, oldest
// first, while the stream holds more than four fifths of what it may.
func (b *Bus) ForgetRuns(ctx context.Context, t time.Time) error {
	info, err := b.info(ctx, streamRuns, questionAlone)
	if err != nil {
		return fmt.Errorf("forget runs: %w", err)
	}
	excess := int64(info.State.Bytes) - info.Config.MaxBytes/5*4
	var upTo uint64
	err = b.since(ctx, streamRuns, allRunKeysFilter, time.Time{}, func(m Stored) bool {
		if excess <= 0 && !m.Time.Before(t) {
			return false
		}
		excess -= int64(len(m.Subject) + len(m.Data))
		upTo = m.Sequence + 1
		return true
	})
	if err != nil || upTo == 0 {
		return err
	}
	return b.purge(ctx, streamRuns, purgeRequest{Filter: allRunKeysFilter, Before: upTo})
}

// RunsAhead counts the runs of a pool's queue that go before one, whose consumer
// has the given name; waits is false when that one is not waiting there.
func (b *Bus) RunsAhead(ctx context.Context, consumer, pool, flowJobID string) (ahead uint64, waits bool, err error) {
	own, found, err := b.last(ctx, streamRuns, runQueueSubject(pool, flowJobID))
	if err != nil || !found {
		return 0, false, err
	}
	state, found, err := b.runQueueState(ctx, consumer, pool)
	if err != nil || !found {
		return 0, false, err // nobody has ever worked on this queue
	}
	if own.Sequence <= state.Delivered.Stream {
		return 0, false, nil
	}
	var behind uint64
	err = b.direct(ctx, streamRuns, map[string]any{
		"seq": own.Sequence, "next_by_subj": runQueueFilter(pool), "batch": 1,
	}, func(m Stored) bool {
		behind, _ = strconv.ParseUint(m.header.Get("Nats-Num-Pending"), 10, 64)
		return true
	})
	return state.NumPending - min(state.NumPending, behind+1), true, err
}

// runQueueState says how far the consumer of a queue of runs is; found is false when there is none.
func (b *Bus) runQueueState(ctx context.Context, consumer, queue string) (state *jetstream.ConsumerInfo, found bool, err error) {
	var cons jetstream.Consumer
	err = b.tries(ctx, streamRuns, questionAlone, func(ctx context.Context) (err error) {
		cons, err = b.js.Consumer(ctx, streamRuns, consumer)
		return err
	})
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("queue of pool %s: %w", queue, err)
	}
	return cons.CachedInfo(), true, nil
}

// AcceptedRun reads the run of an identity; found is false when none was accepted.
func (b *Bus) AcceptedRun(ctx context.Context, flowJobID string) (r events.Run, found bool, err error) {
	m, found, err := b.last(ctx, streamRuns, acceptedRunFilter(flowJobID))
	if err != nil || !found {
		return events.Run{}, false, err
	}
	r, err = decode[events.Run](m)
	return r, err == nil, err
}

// IsKept says whether a run has ended and its key is kept, which may outlive its events.
func (b *Bus) IsKept(ctx context.Context, flowJobID string) (bool, error) {
	_, found, err := b.last(ctx, streamRuns, runKeySubject("*", flowJobID))
	return found, err
}

// Run reads the run that a delivery of RUNS carries.
func (d *Delivery) Run() (events.Run, error) { return decode[events.Run](d.Stored) }
