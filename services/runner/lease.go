package runner

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/events/wait"
	"spool.internal/services/daemon"
)

// leaseTimes are those of [events.LeaseEvery] and its likes; tests have shorter ones.
type leaseTimes struct{ every, fence, away time.Duration }

func (t leaseTimes) orDefault() leaseTimes {
	if t.every == 0 {
		return leaseTimes{events.LeaseEvery, events.LeaseFence, events.LeaseAwayAfter}
	}
	return t
}

// errFenced says that a flow was ended because nobody can know any more that this runner is alive.
var errFenced = errors.New("the runner could not renew its lease")

// lease is what this runner holds of its place. The zero lease, without a place, is always open.
type lease struct {
	mu       sync.Mutex
	is       events.PlaceLease
	seq      uint64        // of the stored one; 0 = it is not ours
	renewed  time.Duration // by sinceBoot, before the last renewal was asked for
	steadily time.Duration // by sinceBoot, since when no renewal was missed
	until    time.Duration // how long after that it is ours
	open     bool          // runs may be taken
	why      error         // it is not open
	shut     chan struct{} // closed when it is not open any more
}

// leased says why no runs may be taken and no flow may begin, by the clock, whether or not anybody has
// noticed yet: a process that was stopped looks here first.
func (r *Runner) leased() error {
	if r.cfg.Place == "" {
		return nil
	}
	l := &r.lease
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case !l.open && l.why != nil:
		return l.why
	case !l.open:
		return fmt.Errorf("the lease of this machine on place %s is not held yet", r.cfg.Place)
	case sinceBoot()-l.renewed > l.until:
		return errFenced
	}
	return nil
}

// whileLeased is a context that ends when runs may not be taken any more.
func (r *Runner) whileLeased(ctx context.Context) (context.Context, context.CancelFunc) {
	open, stop := context.WithCancel(ctx)
	if r.cfg.Place == "" {
		return open, stop
	}
	r.lease.mu.Lock()
	shut := r.lease.shut
	r.lease.mu.Unlock()
	if shut == nil {
		stop()
		return open, stop
	}
	done := context.AfterFunc(ctx, stop)
	go func() { // ends with open
		select {
		case <-shut:
			stop()
		case <-open.Done():
		}
	}()
	return open, func() { stop(); done() }
}

// keepLease takes the lease of the place, renews it until ctx ends, and gives it back then. While it is
// ours it also looks after the runs of machines that are away.
func (r *Runner) keepLease(ctx context.Context) {
	if r.cfg.Place == "" {
		return
	}
	var parts sync.WaitGroup
	defer parts.Wait()
	parts.Go(func() { r.keepFence(ctx) })
	r.lease.is = events.PlaceLease{
		Place: r.cfg.Place, Pool: r.cfg.Pool, Boot: r.reaper.Boot, Host: r.reaper.Host, Runner: r.id, Instance: uuid.NewString(), Takeover: r.cfg.Takeover,
	}
	for logged := ""; ctx.Err() == nil; {
		next := r.cfg.times.every
		if err := r.renew(ctx); err != nil {
			next = min(next/5, time.Second)
			if said := err.Error(); said != logged && ctx.Err() == nil {
				logged = said
				r.log.Warn("the lease of this machine is not renewed yet", "place", r.cfg.Place, "error", said)
			}
		} else {
			logged = ""
			if r.opens() {
				parts.Go(func() { r.openUp(ctx) })
			}
			r.lookAfter(ctx)
		}
		_ = wait.Sleep(ctx, next)
	}
	r.release(ctx)
}

// renew stores the lease anew, or takes it where it may.
func (r *Runner) renew(ctx context.Context) error {
	l := &r.lease
	l.mu.Lock()
	is, seq := l.is, l.seq
	l.mu.Unlock()
	asked := sinceBoot()
	is.At = time.Now().UTC()
	if seq == 0 {
		var err error
		if seq, err = r.mayTake(ctx); err != nil {
			r.closeFor(err)
			return err
		}
	}
	stored, err := r.bus.PutPlaceLease(ctx, is, seq)
	if jet.IsConflict(err) {
		err = r.lost(ctx, err)
	}
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seq == 0 || asked-l.renewed > l.until {
		l.steadily = asked
	}
	l.seq, l.renewed = stored, asked
	return nil
}

// mayTake says at which sequence the lease stands that this runner may replace: one of its own folder,
// one that was given back, and one whose machine is away.
func (r *Runner) mayTake(ctx context.Context) (uint64, error) {
	m, found, err := r.bus.PlaceLease(r.cfg.Pool, r.cfg.Place).Last(ctx)
	if err != nil || !found {
		return 0, err
	}
	had, err := m.Value()
	if err != nil {
		return 0, err
	}
	if had.Forgotten != nil {
		r.log.Warn("this machine was forgotten, and is back: its runs have ended, or go on elsewhere", "place", r.cfg.Place, "by", had.Forgotten.By)
	}
	if had.Runner == r.id || had.Released || had.Forgotten != nil {
		return m.Sequence, nil
	}
	now, err := r.bus.StoreTime(ctx)
	if err != nil {
		return 0, err
	}
	if age := now.Sub(m.Time); age < r.cfg.times.away {
		return 0, fmt.Errorf("place %s is held by another runner, on %s, with another data folder, which was there %s ago: this one waits until it is silent for %s; two machines need two names",
			r.cfg.Place, had.Host, age.Round(time.Second), r.cfg.times.away)
	}
	return m.Sequence, nil
}

// lost finds out what stands in the place of our lease: our own, whose confirmation was lost, or
// another's.
func (r *Runner) lost(ctx context.Context, conflict error) error {
	m, found, err := r.bus.PlaceLease(r.cfg.Pool, r.cfg.Place).Last(ctx)
	if err != nil {
		return err
	}
	l := &r.lease
	var had events.PlaceLease
	if found {
		had, err = m.Value()
	}
	l.mu.Lock()
	ours := found && err == nil && had.Instance == l.is.Instance && had.Forgotten == nil
	if ours {
		l.seq = m.Sequence
	} else {
		l.seq = 0
	}
	l.mu.Unlock()
	if ours {
		return fmt.Errorf("renewed without a confirmation: %w", conflict)
	}
	why := fmt.Errorf("another runner, on %s, has taken place %s", had.Host, r.cfg.Place)
	if had.Forgotten != nil {
		why = fmt.Errorf("machine %s was forgotten by %s", r.cfg.Place, had.Forgotten.By)
	}
	r.fence(why)
	return why
}

// opens reports whether the lease has just become ours.
func (r *Runner) opens() bool {
	l := &r.lease
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open || l.seq == 0 || l.shut != nil {
		return false
	}
	l.shut = make(chan struct{})
	return true
}

// openUp lets runs be taken once what was cut short here is buried.
func (r *Runner) openUp(ctx context.Context) {
	if err := r.bury(ctx); err != nil {
		r.log.Warn("what was cut short on this machine was not all found, and is when it is delivered", "error", err.Error())
	}
	l := &r.lease
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seq == 0 || l.shut == nil || sinceBoot()-l.renewed > l.until {
		l.shut = nil // it was lost meanwhile
		return
	}
	l.open, l.why = true, nil
}

// closeFor says why no runs are taken, before any was.
func (r *Runner) closeFor(why error) {
	l := &r.lease
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.open {
		l.why = why
	}
}

// keepFence ends the flows of this machine when its lease is over, before anybody else may take them
// for dead.
func (r *Runner) keepFence(ctx context.Context) {
	for ctx.Err() == nil {
		_ = wait.Sleep(ctx, min(time.Second, r.cfg.times.fence/10))
		l := &r.lease
		l.mu.Lock()
		over := l.open && sinceBoot()-l.renewed > l.until
		age := sinceBoot() - l.renewed
		l.mu.Unlock()
		if over && ctx.Err() == nil {
			r.fence(fmt.Errorf("the lease of this machine on place %s could not be renewed since %s: its flows were ended, and it takes no runs until it is",
				r.cfg.Place, time.Now().Add(-age).UTC().Format(time.RFC3339)))
		}
	}
}

// fence ends all flows, as cut short, and takes no more runs until the lease is renewed.
func (r *Runner) fence(why error) {
	l := &r.lease
	l.mu.Lock()
	was := l.open
	l.open, l.why = false, why
	if l.shut != nil {
		close(l.shut)
		l.shut = nil
	}
	l.mu.Unlock()
	if !was {
		return
	}
	r.mu.Lock()
	flows := len(r.active)
	for _, h := range r.active {
		h.stop(errFenced)
	}
	r.mu.Unlock()
	r.log.Error("flows of this machine are ended", "runs", flows, "cause", why.Error())
}

// release gives the lease back: nothing of this runner is left, and nobody need wait for it to age.
func (r *Runner) release(ctx context.Context) {
	ctx, cancel := daemon.Linger(ctx, farewell)
	defer cancel()
	l := &r.lease
	l.mu.Lock()
	is, seq := l.is, l.seq
	l.mu.Unlock()
	if seq == 0 {
		return
	}
	is.At, is.Released = time.Now().UTC(), true
	if _, err := r.bus.PutPlaceLease(ctx, is, seq); err != nil {
		r.log.Debug("the lease of this machine was not given back, and ages", "error", err.Error())
	}
}

// awaitLease keeps the runs in hand until runs may be taken again.
func (r *Runner) awaitLease(ctx context.Context) {
	holding, dismiss := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); r.hold(holding) }()
	for ctx.Err() == nil {
		why := r.leased()
		if why == nil {
			break
		}
		r.setIdle(why)
		_ = wait.Sleep(ctx, min(holdCheck, r.cfg.times.every/4))
	}
	dismiss()
	<-done
}
