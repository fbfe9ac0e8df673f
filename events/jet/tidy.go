package jet

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"spool.internal/events/faultpoint"
	"spool.internal/events/wait"
)

// When finished messages leave a stream that keeps what was acked: all up to the
// first that is not finished in one go, the others, when that one has to wait, by
// themselves. A purge goes through all that the queue holds, so that the next one
// comes no sooner than thirty times as long after it as it took, unless nothing is
// unsettled any more.
const (
	tidyEvery   = 100 * time.Millisecond
	tidyShare   = 30
	singleAfter = time.Second
	singlesMost = 1000 // in one go
	fewFinished = 2    // to ask for the floor costs more than to take these out by themselves
)

// startTidy has the desk take finished messages out; k.mu is held.
func (k *desk) startTidy() {
	if !k.tidying {
		k.tidying = k.bus.task(k.tidy)
	}
}

// idle has what may lie in the stream looked at while little comes: another process
// may have acked something and died before it took it out, or above a file that had
// to wait.
func (k *desk) idle() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.queue.keeps {
		k.floor = true
		k.startTidy()
	}
}

func (k *desk) tidy() {
	for next := time.Now(); ; {
		if wait.Sleep(k.bus.life, tidyEvery) != nil {
			return
		}
		if k.count() > 0 && time.Now().Before(next) {
			continue
		}
		took := k.tidyOnce(k.bus.life)
		next = time.Now().Add(tidyShare * took)
		k.mu.Lock()
		if len(k.over) == 0 && !k.floor {
			k.tidying = false
			k.mu.Unlock()
			return
		}
		k.mu.Unlock()
	}
}

// tidyOnce takes finished messages out, and tells how long a purge took. How far
// all is finished the server says: a floor that is reckoned here would pass
// messages which are still on their way.
func (k *desk) tidyOnce(ctx context.Context) (took time.Duration) {
	k.mu.Lock()
	cons, queue, floor, purgeTo := k.cons, k.queue, k.floor, k.purgeTo
	k.mu.Unlock()
	if !queue.keeps || cons == nil {
		return 0
	}
	singles := k.finished(0, 0)
	if floor && len(singles) == 0 {
		if left, err := k.bus.holdsSure(ctx, queue.stream, queue.filter); err != nil || !left {
			k.lookedAt(err == nil)
			return 0
		}
	}
	if floor || len(singles) > fewFinished {
		upTo, err := ackFloor(ctx, cons)
		if err != nil {
			return 0 // the next time does it
		}
		if upTo > purgeTo {
			begun := time.Now()
			if err := k.bus.purge(ctx, queue.stream, purgeRequest{Filter: queue.filter, Before: upTo + 1}); err != nil {
				return 0
			}
			took = time.Since(begun)
			faultpoint.Hit(faultpoint.QueuePurged)
		}
		k.purged(upTo)
		singles = k.finished(upTo, singleAfter)
	}
	for _, seq := range singles[:min(len(singles), singlesMost)] {
		if _, err := k.bus.drop(ctx, queue.stream, seq); err != nil {
			break
		}
		k.forget([]uint64{seq})
	}
	return took
}

// ackFloor gives the sequence up to which all that a consumer was to deliver is
// acked; one that is gone has none.
func ackFloor(ctx context.Context, cons jetstream.Consumer) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	info, err := cons.Info(ctx)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return info.AckFloor.Stream, nil
}

// finished gives what this process took off the queue and the stream still has,
// above a floor and so long ago.
func (k *desk) finished(floor uint64, age time.Duration) (all []uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for seq, p := range k.over {
		if seq > floor && time.Since(p.since) >= age {
			all = append(all, seq)
		}
	}
	slices.Sort(all)
	return all
}

// lookedAt notes that nothing is left, if that could be found out.
func (k *desk) lookedAt(empty bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.floor = !empty
}

// purged notes that all up to a floor is out.
func (k *desk) purged(floor uint64) {
	k.mu.Lock()
	k.floor, k.purgeTo = false, max(k.purgeTo, floor)
	var gone []uint64
	for seq := range k.over {
		if seq <= floor {
			gone = append(gone, seq)
		}
	}
	k.mu.Unlock()
	k.forget(gone)
}

// forget notes what is out of the stream.
func (k *desk) forget(sequences []uint64) {
	if len(sequences) == 0 {
		return
	}
	k.mu.Lock()
	for _, seq := range sequences {
		delete(k.over, seq)
		k.late[0][seq] = true
	}
	gone := k.queue.Gone
	k.mu.Unlock()
	if gone != nil {
		gone(sequences)
	}
}
