package jet

import (
	"context"
	"fmt"
	"strings"
	"time"

	"spool.internal/events"
)

// partLease is the part of a subject of the lease of a place.
const partLease = "lease"

const allLeasesFilter = familyState + "." + partLease + ".*"

// forever keeps a message beyond the age of its stream: a machine that is away is told of for as long
// as it is.
var forever = map[string]string{ttlHeader: "never"}

// PlaceLeases are those of all places.
func (b *Bus) PlaceLeases() View[events.PlaceLease] {
	return view[events.PlaceLease](b, streamState, allLeasesFilter)
}

// PlaceLease is that of a pool at a place.
func (b *Bus) PlaceLease(pool, place string) View[events.PlaceLease] {
	return view[events.PlaceLease](b, streamState, leaseSubject(pool, place))
}

func leaseSubject(pool, place string) string {
	return stateSubject(partLease, events.RunQueueOf(pool, place))
}

// PutPlaceLease stores a lease, if its last one stands at a sequence (0 = there is none): else it is
// [IsConflict]. It gives the sequence of the new one.
func (b *Bus) PutPlaceLease(ctx context.Context, l events.PlaceLease, expect uint64) (uint64, error) {
	return b.commit(ctx, streamState, message{Subject: leaseSubject(l.Pool, l.Place), Data: body(l), Header: forever, Expect: &expect})
}

// StoreTime is what the clock of the store says now, which the times of leases are of.
func (b *Bus) StoreTime(ctx context.Context) (time.Time, error) {
	var now time.Time
	err := b.tries(ctx, streamState, questionAlone, func(ctx context.Context) error {
		stream, err := b.js.Stream(ctx, streamState)
		if err == nil {
			now = stream.CachedInfo().TimeStamp
		}
		return err
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("time of %s: %w", streamState, err)
	}
	return now, nil
}

// DeliveredRuns says up to which sequence the runs of a queue were given to a runner, at least once; 0
// when nobody has worked on it.
func (b *Bus) DeliveredRuns(ctx context.Context, queue string) (uint64, error) {
	state, found, err := b.runQueueState(ctx, RunConsumer(queue), queue)
	if err != nil || !found {
		return 0, err
	}
	return state.Delivered.Stream, nil
}

// MoveRun puts a run that stands at a sequence in one queue into another, once, and takes it out of the
// first. Who has moved it, or kept its key, before that wins. Cut off in between, the run is in both, and
// its events see to it that it is started in one.
func (b *Bus) MoveRun(ctx context.Context, seq uint64, queue string, r events.Run) error {
	_, err := b.commit(ctx, streamRuns, message{
		Subject: runQueueSubject(queue, r.FlowJobID), Data: body(r), Expect: &seq, Of: acceptedRunFilter(r.FlowJobID),
	})
	if err != nil && !IsConflict(err) {
		return err
	}
	return b.dropEach(ctx, streamRuns, []uint64{seq})
}

// DropRun takes a run that has ended off its queue.
func (b *Bus) DropRun(ctx context.Context, seq uint64) error {
	return b.dropEach(ctx, streamRuns, []uint64{seq})
}

// RunConsumer names the consumer of a queue of runs.
func RunConsumer(queue string) string { return "runner-" + queue }

// poolOf is the pool that a queue belongs to, see [events.RunQueueOf].
func poolOf(queue string) string {
	pool, _, _ := strings.Cut(queue, "@")
	return pool
}
