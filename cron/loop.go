package cron

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"spool.internal/events/jet"
)

const (
	standBack  = 250 * time.Millisecond // for another replica that is ahead
	firstRetry = 100 * time.Millisecond
	lastRetry  = 2 * time.Second
	early      = 500 * time.Millisecond // more than a tick of gocron's can come before its minute
)

// poke wakes somebody who may be awake already. It holds one.
type poke chan struct{}

func newPoke() poke { return make(poke, 1) }

func (p poke) wake() {
	select {
	case p <- struct{}{}:
	default:
	}
}

// loop makes a pass whenever there is something to do.
type loop struct {
	engine *engine
	tick   poke // a minute may have come
	sweep  poke // old clocks may have gathered
	passed poke // a pass has ended: there may be a backlog
	health health
}

func newLoop(e *engine) *loop {
	return &loop{engine: e, tick: newPoke(), sweep: newPoke(), passed: newPoke(), health: health{log: e.log, err: errStarting}}
}

// run lives until ctx ends.
func (l *loop) run(ctx context.Context) error {
	scheduler, err := newScheduler(l.tick.wake, l.sweep.wake)
	if err != nil {
		return err
	}
	scheduler.Start()
	wall := time.NewTicker(time.Second)
	defer wall.Stop()
	l.catchUp(ctx)
	for ctx.Err() == nil {
		select {
		case <-l.tick:
			l.await(ctx)
			l.catchUp(ctx)
		case <-wall.C:
			if l.engine.behind() {
				l.catchUp(ctx)
			}
		case <-ctx.Done():
		}
	}
	if err := scheduler.Shutdown(); err != nil {
		return fmt.Errorf("gocron: %w", err)
	}
	return nil
}

// await waits for the minute when a tick came a little before it: timers do not
// follow a wall clock that is being slewed.
func (l *loop) await(ctx context.Context) {
	for ctx.Err() == nil {
		now := l.engine.now()
		left := now.Truncate(time.Minute).Add(time.Minute).Sub(now)
		if left > early {
			return
		}
		pause(ctx, left)
	}
}

// catchUp makes passes until one succeeds.
func (l *loop) catchUp(ctx context.Context) {
	for retry := firstRetry; ctx.Err() == nil; {
		err := l.engine.pass(ctx)
		switch {
		case err == nil, errors.Is(err, errAhead):
			l.health.set(err)
			l.passed.wake()
			return
		case jet.IsConflict(err):
			// Racing the other replica to the end of its pass would cost both of them more.
			pause(ctx, jitter(standBack))
		case ctx.Err() == nil:
			l.health.set(err)
			pause(ctx, jitter(retry))
			retry = min(2*retry, lastRetry)
		}
	}
}

// jitter gives about d, so that replicas do not stay in step.
func jitter(d time.Duration) time.Duration { return d*4/5 + rand.N(d*2/5) }

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

var errStarting = errors.New("no slot is committed yet")

// health is why slots cannot be committed now.
type health struct {
	log *slog.Logger

	mu    sync.Mutex
	err   error
	since time.Time
}

func (h *health) check() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err
}

// set takes note of the outcome of a pass, and says so when it is another than before.
func (h *health) set(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	was := h.err
	h.err = err
	switch {
	case err == nil && was != nil && was != errStarting:
		h.log.Info("slots are committed again", "after", time.Since(h.since))
	case err == nil:
	case errors.Is(err, errAhead) && !errors.Is(was, errAhead):
		h.log.Error("no job will start: the committed clock is ahead", "error", err.Error())
	case was == nil || was == errStarting:
		h.log.Warn("slots cannot be committed now", "error", err.Error())
	}
	if was == nil || was == errStarting {
		h.since = time.Now()
	}
}
