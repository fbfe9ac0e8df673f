package cron

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"spool.internal/events/jet"
	"spool.internal/events/wait"
)

const (
	standBack  = 250 * time.Millisecond // while another replica, which is ahead, commits
	firstRetry = 100 * time.Millisecond
	lastRetry  = 2 * time.Second
	early      = 500 * time.Millisecond // a tick of gocron comes at most this much before its minute
)

// loop makes a pass at every minute, and whenever the wall clock says that one is due.
type loop struct {
	engine *engine
	tick   wait.Wake // a minute may have come
	sweep  wait.Wake // old clocks may have gathered
	passed wait.Wake // a pass has ended: there may be a backlog
	health health
}

func newLoop(e *engine) *loop {
	return &loop{engine: e, tick: wait.NewWake(), sweep: wait.NewWake(), passed: wait.NewWake(), health: health{log: e.log, err: errStarting}}
}

// run makes passes until ctx ends.
func (l *loop) run(ctx context.Context) error {
	scheduler, err := newScheduler(l.tick.Set, l.sweep.Set)
	if err != nil {
		return err
	}
	scheduler.Start()
	wall := time.NewTimer(wait.Whole(time.Second))
	defer wall.Stop()
	l.catchUp(ctx)
	for ctx.Err() == nil {
		select {
		case <-l.tick:
			l.await(ctx)
			l.catchUp(ctx)
		case <-wall.C:
			wall.Reset(wait.Whole(time.Second))
			if l.engine.behind() {
				l.catchUp(ctx)
			}
		case <-ctx.Done():
		}
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second/2)
	defer cancel()
	l.engine.rest(last)
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
		_ = wait.Sleep(ctx, left)
	}
}

// catchUp makes passes until one succeeds.
func (l *loop) catchUp(ctx context.Context) {
	retry := wait.Backoff{First: firstRetry, Last: lastRetry}
	for ctx.Err() == nil {
		err := l.engine.pass(ctx)
		switch {
		case err == nil, errors.Is(err, errAhead):
			l.health.set(err)
			l.passed.Set()
			return
		case jet.IsConflict(err):
			// To race the other replica to the end of its pass would cost both of them more.
			_ = wait.Sleep(ctx, wait.Jitter(standBack))
		case ctx.Err() == nil:
			l.health.set(err)
			_ = wait.Sleep(ctx, wait.Jitter(retry.Next()))
		}
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

// set records the outcome of a pass, and logs it when it differs from the one before.
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
