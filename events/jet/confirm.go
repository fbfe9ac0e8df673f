package jet

import (
	"context"
	"time"

	"spool.internal/events/faultpoint"
	"spool.internal/events/wait"
)

// Bounds of the ends that are told the server before one is confirmed. It works
// through them in order, and heartbeats stand behind them: so what it has not
// worked through must stay shorter than its patience, ackWait, also when each
// removal from a work queue waits for a slow disk.
const (
	windowQueue = 16
	windowKept  = 512 // where an ack removes nothing
	quickGroup  = 250 * time.Millisecond
	slowGroup   = time.Second
)

// confirmPatience is how long the confirmation of one group is awaited. What is
// not confirmed then may come again, and is then told again.
const confirmPatience = ackWait

// finish has a delivery taken off the queue.
func (k *desk) finish(d *Delivery, end string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	d.end = end
	k.ending = append(k.ending, d)
	k.startConfirm()
}

func (k *desk) startConfirm() {
	if !k.telling {
		k.telling = k.bus.task(k.confirm)
	}
}

// confirm tells the server of ends, a group at a time: the answer to the last of
// a group confirms all of it, since the server works in order.
func (k *desk) confirm() {
	for {
		group, words, ctx, cancel := k.nextGroup()
		if len(group) == 0 {
			cancel()
			return
		}
		begun := time.Now()
		err := k.send(ctx, words)
		cancel()
		faultpoint.Hit(faultpoint.QueueAcked)
		k.confirmed(group, time.Since(begun), err)
		_ = wait.Sleep(k.bus.life, pace)
	}
}

// nextGroup cuts off what is told the server next: pairs of where it listens and
// what is said. What a consumer delivered that is no more cannot be confirmed.
func (k *desk) nextGroup() (group []*Delivery, words []string, ctx context.Context, cancel context.CancelFunc) {
	k.mu.Lock()
	defer k.mu.Unlock()
	group = k.ending[:min(len(k.ending), k.window)]
	k.ending = k.ending[len(group):]
	if len(group) == 0 {
		k.ending, k.telling = nil, false
	}
	for _, d := range group {
		if d.told = d.made.Equal(k.made); d.told {
			words = append(words, d.reply, d.end)
		}
	}
	ctx, cancel = k.bus.onWire(k.bus.life, confirmPatience)
	k.giveUp = cancel
	return group, words, ctx, cancel
}

func (k *desk) send(ctx context.Context, words []string) error {
	last := len(words) - 2
	if last < 0 {
		return context.Canceled
	}
	for i := 0; i < last; i += 2 {
		if err := k.bus.nc.Publish(words[i], []byte(words[i+1])); err != nil {
			return err
		}
	}
	_, err := k.bus.nc.RequestWithContext(ctx, words[last], []byte(words[last+1]))
	return err
}

// confirmed lets go of a group. After an error part of it may come again: it is
// remembered, so that it is then told again and not worked on again.
func (k *desk) confirmed(group []*Delivery, took time.Duration, err error) {
	most := windowKept
	if k.queue.stream == streamTriggers || k.queue.stream == streamRuns {
		most = windowQueue
	}
	now := time.Now()
	var gone []uint64
	k.mu.Lock()
	switch {
	case err != nil || took > slowGroup:
		k.window = max(1, k.window/4)
	case took < quickGroup:
		k.window = min(most, 2*k.window)
	}
	for _, d := range group {
		if k.held[d.Sequence] == d {
			delete(k.held, d.Sequence)
		}
		if err == nil && d.told && !k.queue.keeps {
			gone = append(gone, d.Sequence)
		} else {
			k.over[d.Sequence] = past{d.Time, now}
		}
	}
	if k.queue.keeps {
		k.startTidy()
	}
	k.mu.Unlock()
	k.freed.Set()
	k.forget(gone)
}

// flush waits until the server knows what was decided, or ctx ends.
func (k *desk) flush(ctx context.Context) {
	for k.bus.nc.IsConnected() {
		k.mu.Lock()
		busy := k.telling
		k.mu.Unlock()
		if !busy {
			k.tidyOnce(ctx)
			return
		}
		if wait.Sleep(ctx, time.Millisecond) != nil {
			return
		}
	}
}
