package index

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/google/uuid"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/events/wait"
)

var errNothing = errors.New("the results are not indexed yet")

// again is how long the index waits for a broker that is away, and how often it looks
// what the streams have dropped.
const (
	again      = 250 * time.Millisecond
	sweepEvery = time.Minute
)

// Check says why nothing can be shown yet.
func (x *Index) Check() error {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.err
}

// Filled blocks until all executions that are kept are known, or ctx ends.
func (x *Index) Filled(ctx context.Context) error {
	x.mu.RLock()
	filled := x.filled
	x.mu.RUnlock()
	select {
	case <-filled:
		return nil
	case <-ctx.Done():
		return events.Faultf(events.Unavailable, "", "the results are not all read yet: try again")
	}
}

// Run follows the streams until ctx ends.
func (x *Index) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		x.follow(ctx)
		_ = wait.Sleep(ctx, again) // the loop sees the end of ctx
	}
	return nil
}

// follow follows them until ctx ends, or until they were cut off for so long that
// something may have gone unseen.
func (x *Index) follow(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	perJob, runs, err := x.begin(ctx)
	if err != nil {
		return
	}
	newest := newHistory(perJob, time.Now())
	newest.names = map[uint32]uuid.UUID{}
	part := func(f func(context.Context) error) {
		wg.Go(func() {
			defer cancel()
			_ = f(ctx) // it ended since ctx did, or was cut off: all begins anew
		})
	}
	live, stop := context.WithCancel(ctx)
	defer stop()
	wg.Go(func() {
		_ = x.bus.Results("").FollowHeads(live, jet.LastEach, func(m jet.Entry[events.Result]) { x.result(newest, m.Stored) })
	})
	wg.Go(func() { _ = x.bus.Runs("", "").FollowHeadsAfter(live, runs, x.runsInto(ctx, newest)) })
	part(func(ctx context.Context) error {
		return x.bus.Standing().Follow(ctx, jet.LastEach, func(m jet.Entry[json.RawMessage]) { x.stood(m.Stored) })
	})
	part(func(ctx context.Context) error {
		return x.bus.Verdicts("").FollowSince(ctx, time.Now().Add(-hadWithin), func(m jet.Entry[events.Verdict]) {
			if v, err := m.Value(); err == nil {
				x.ruled(v)
			}
		})
	})
	if x.readNewest(ctx, newest) != nil {
		return
	}
	part(x.sweeping)
	part(func(ctx context.Context) error { return x.fill(ctx, perJob, stop) })
	<-ctx.Done()
}

// begin asks what has to be known before anything is followed.
func (x *Index) begin(ctx context.Context) (perJob int, runs uint64, err error) {
	if perJob, err = x.bus.ResultsPerJob(ctx); err != nil {
		return 0, 0, err
	}
	runs, err = x.bus.FeedLast(ctx, jet.FeedRuns)
	return perJob, runs, err
}

// until repeats f until it gives true or ctx ends.
func until(ctx context.Context, f func() bool) error {
	retry := wait.Backoff{First: time.Millisecond, Last: again / 25}
	for !f() {
		if err := wait.Sleep(ctx, retry.Next()); err != nil {
			return err
		}
	}
	return nil
}

// stillFor is how long a follower gets nothing before it is asked anew how far it has to come.
const stillFor = time.Second

// comeTo blocks until a follower has passed what is the newest of a stream when it is called.
// That can be purged before it is read, and then never comes: who waits for it asks again,
// when the follower stands still. It does not ask more often, because the broker goes
// through all subjects for it.
func comeTo(ctx context.Context, newest func(context.Context) (uint64, error), passed func() uint64) error {
	var last, before uint64
	known, moved := false, time.Time{}
	return until(ctx, func() bool {
		at := passed()
		if at != before {
			before, moved = at, time.Now()
		}
		if !known || at < last && time.Since(moved) > stillFor {
			moved = time.Now()
			seq, err := newest(ctx)
			if err != nil {
				return false
			}
			last, known = seq, true
		}
		return at >= last
	})
}

// reached blocks until a history holds all results that are stored when it is called.
func (x *Index) reached(ctx context.Context, h *history) error {
	return comeTo(ctx, func(ctx context.Context) (uint64, error) {
		m, _, err := x.bus.Results("").Last(ctx)
		return m.Sequence, err
	}, func() uint64 {
		x.mu.RLock()
		defer x.mu.RUnlock()
		return h.results
	})
}

// readNewest shows a history when it holds the newest execution of each job, and what their runs have said.
func (x *Index) readNewest(ctx context.Context, h *history) error {
	if err := x.reached(ctx, h); err != nil {
		return err
	}
	if err := x.readRuns(ctx, h); err != nil {
		return err
	}
	if err := x.bus.Acks("").Since(ctx, time.Time{}, func(m jet.Entry[events.Ack]) bool { x.hearAck(m); return true }); err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.shown, x.err = h, nil
	select {
	case <-x.filled: // by what went before, which may lack something
		x.filled = make(chan struct{})
	default:
	}
	return nil
}

// fill reads all that is kept, and then shows that instead.
func (x *Index) fill(ctx context.Context, perJob int, stop func()) error {
	h := newHistory(perJob, time.Now())
	x.mu.Lock()
	x.filling = h
	x.mu.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() {
		defer cancel()
		_ = x.bus.Results("").FollowHeads(ctx, jet.Beginning, func(m jet.Entry[events.Result]) { x.result(h, m.Stored) })
	})
	if err := x.reached(ctx, h); err != nil {
		return err
	}
	wg.Go(func() {
		defer cancel()
		_ = x.bus.Runs("", "").FollowHeadsAfter(ctx, 0, x.runsInto(ctx, h))
	})
	if err := comeTo(ctx, func(ctx context.Context) (uint64, error) {
		return x.bus.FeedLast(ctx, jet.FeedRuns)
	}, func() uint64 {
		x.mu.RLock()
		defer x.mu.RUnlock()
		return h.runs
	}); err != nil {
		return err
	}
	x.mu.Lock()
	h.giveUp(time.Now())
	h.whole = true
	x.shown, x.filling = h, nil
	close(x.filled)
	x.mu.Unlock()
	stop()
	<-ctx.Done()
	return ctx.Err()
}

// sweeping sweeps once a minute.
func (x *Index) sweeping(ctx context.Context) error {
	for wait.Sleep(ctx, sweepEvery) == nil {
		m, found, err := x.bus.Results("").First(ctx)
		if err != nil {
			continue
		}
		first := m.Sequence
		if !found {
			first = 0
		}
		x.sweep(first, time.Now())
	}
	return ctx.Err()
}
