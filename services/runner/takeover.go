package runner

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/services/runner/place"
)

// away is a machine that does not renew its lease.
type away struct {
	events.PlaceLease
	seq uint64
	age time.Duration // by the clock of the store

	places events.Places // what the others serve, once that is asked for
}

// lookAfter looks at the machines of this pool that are away, counts the runs that wait for them, and
// takes over those that it may.
func (r *Runner) lookAfter(ctx context.Context) {
	others, err := r.others(ctx)
	if err != nil {
		if ctx.Err() == nil {
			r.log.Warn("it cannot be seen now which machines are away", "error", err.Error())
		}
		return
	}
	waiting := map[string]int{}
	for _, o := range others {
		queue := events.RunQueueOf(o.Pool, o.Place)
		n, err := r.bus.RunQueue(queue).Count(ctx)
		if err == nil && n > 0 && r.knows(o) {
			err = r.inherit(ctx, o)
			if left, again := r.bus.RunQueue(queue).Count(ctx); again == nil {
				n = left
			}
		}
		if err != nil && ctx.Err() == nil {
			r.log.Warn("the runs of a machine that is away were not all looked at", "machine", o.Place, "error", err.Error())
		}
		waiting[o.Place] = n
	}
	r.meter.set(waiting)
}

// others are the machines of this pool that are away or forgotten. The times compared are those that
// the store gave to two leases, ours being the newest of its own.
func (r *Runner) others(ctx context.Context) (all []away, err error) {
	r.lease.mu.Lock()
	seq := r.lease.seq
	r.lease.mu.Unlock()
	var now time.Time
	var leases []away
	err = r.bus.PlaceLeases().LastEach(ctx, func(m jet.Entry[events.PlaceLease]) {
		l, err := m.Value()
		switch {
		case err != nil || l.Pool != r.cfg.Pool:
		case l.Place != r.cfg.Place:
			leases = append(leases, away{PlaceLease: l, seq: m.Sequence})
			leases[len(leases)-1].At = m.Time
		case m.Sequence == seq:
			now = m.Time
		}
	})
	if err != nil || now.IsZero() { // a replica that is behind knows nothing of now
		return nil, err
	}
	for _, l := range leases {
		if l.age = now.Sub(l.At); l.age > r.cfg.times.away || l.Forgotten != nil {
			all = append(all, l)
		}
	}
	return all, nil
}

// knows reports whether this runner has renewed its own lease for as long as it takes to call another
// machine away: a store that answered nobody makes no machine away.
func (r *Runner) knows(o away) bool {
	r.lease.mu.Lock()
	defer r.lease.mu.Unlock()
	return o.Forgotten != nil || r.lease.renewed-r.lease.steadily >= r.cfg.times.away-2*r.cfg.times.every
}

// inherit takes over the runs of a machine that is away, or ends those that nobody can go on with.
func (r *Runner) inherit(ctx context.Context, o away) error {
	m, found, err := r.bus.PlaceLease(o.Pool, o.Place).Last(ctx)
	if err != nil || !found || m.Sequence != o.seq {
		return err // it is back
	}
	if o.places, err = r.bus.Places(ctx); err != nil {
		return err
	}
	var fault error
	err = r.bus.RunQueue(events.RunQueueOf(o.Pool, o.Place)).Since(ctx, time.Time{}, func(m jet.Entry[events.Run]) bool {
		if run, err := m.Value(); err == nil {
			fault = r.inheritRun(ctx, o, run, m.Sequence)
		}
		return fault == nil && ctx.Err() == nil
	})
	if err == nil {
		err = fault
	}
	return err
}

// fate is what becomes of a run whose machine is away.
type fate int

const (
	fateWaits fate = iota
	fateMoves      // to this machine, as its next attempt
	fateEnds       // its files are gone with the machine, or somebody has cancelled it
	fateOver       // it had ended
)

// orphan is a run in the queue of a machine that is away.
type orphan struct {
	run     events.Run
	queued  uint64          // where it stands in the queue
	last    events.RunEvent // of it
	seq     uint64          // of that event
	started events.RunEvent // the start of its last attempt, where last is that, or is about it
}

func (r *Runner) inheritRun(ctx context.Context, o away, run events.Run, queued uint64) (err error) {
	is := orphan{run: run, queued: queued}
	if is.last, is.seq, err = r.bus.LastRunEvent(ctx, run.JobID, run.FlowJobID); err != nil {
		return err
	}
	if is.started = is.last; is.last.Phase == events.Cancelling && is.last.Attempt > 0 {
		if is.started, _, err = r.bus.RunEvent(ctx, events.Started, run.JobID, run.FlowJobID); err != nil {
			return err
		}
	}
	switch r.fateOf(o, run, is.last) {
	case fateMoves:
		return r.takeOver(ctx, o, is)
	case fateEnds:
		return r.endForGood(ctx, o, is)
	case fateOver:
		return r.settleOf(ctx, run, queued)
	}
	return nil
}

// takeOver puts a run into the queue of this machine.
func (r *Runner) takeOver(ctx context.Context, o away, is orphan) error {
	if is.last.Phase == events.Started {
		why := fmt.Sprintf("machine %s is away since %s; %s goes on", o.Place, o.At.UTC().Format(time.RFC3339), r.cfg.Place)
		if err := r.interrupt(ctx, is.run, is.started, is.seq, why); err != nil {
			return err
		}
	}
	r.logOf(is.run).Warn("a run is taken over", "from", o.Place, "phase", string(is.last.Phase))
	is.run.Place = r.cfg.Place
	return r.bus.MoveRun(ctx, is.queued, r.queueOf(is.run), is.run)
}

// fateOf decides by the table in the README.
func (r *Runner) fateOf(o away, run events.Run, last events.RunEvent) fate {
	begun := last.Phase == events.Started || last.Phase == events.Cancelling && last.Attempt > 0
	here, anywhere := r.canReach(o.places, run)
	switch {
	case last.Phase == events.Ended:
		return fateOver
	case o.Forgotten != nil && (last.Phase == events.Cancelling || !anywhere):
		return fateEnds
	case !here:
		return fateWaits
	case o.Forgotten != nil, !begun && last.Phase != events.Cancelling:
		return fateMoves
	case o.Takeover <= 0 || o.age < o.Takeover || !apart(run):
		return fateWaits
	case last.Phase == events.Cancelling:
		return fateEnds
	default:
		return fateMoves
	}
}

// apart reports whether a run has a folder of its own, in which what a frozen flow may still write does
// no harm before its machine has seen that it is given up.
func apart(run events.Run) bool {
	s, err := storedSettings(run)
	return err == nil && s.hasRunID && place.RuleOf(run) == nil
}

// canReach reports whether all that a run needs is on drives that are shared, and here or anywhere.
func (r *Runner) canReach(places events.Places, run events.Run) (here, anywhere bool) {
	o, err := orderOf(run)
	if err != nil {
		return false, false
	}
	here, anywhere = true, true
	for _, p := range o.paths() {
		at, shared := r.cfg.serves(p)
		here, anywhere = here && at && shared, anywhere && (at && shared || sharedAnywhere(places, p))
	}
	return here, anywhere
}

// endForGood ends a run that nobody goes on with, and takes it off its queue.
func (r *Runner) endForGood(ctx context.Context, o away, is orphan) error {
	a := &attempt{run: is.run, number: is.last.Attempt, earlier: is.started.Attempts}
	began := is.last.StartedAt // of one that waits for its next attempt
	if is.started.Phase == events.Started {
		a.earlier, began = is.started.AttemptsWith(), is.started.At
	}
	msg := is.last.Message
	if is.last.Phase != events.Cancelling {
		msg = fmt.Sprintf("machine %s is gone with the files of the run: it was last there at %s, and forgotten by %s", o.Place, o.At.UTC().Format(time.RFC3339), o.Forgotten.By)
	}
	_, err := r.bus.NextRunEvent(ctx, a.ended(began, msg), is.seq)
	if jet.IsConflict(err) {
		return nil // looked at again
	}
	if err != nil {
		return err
	}
	r.logOf(is.run).Warn("a run is ended whose machine is away", "machine", o.Place, "cause", msg)
	return r.settleOf(ctx, is.run, is.queued)
}

// settleOf takes a run that has ended off the queue of a machine that is away.
func (r *Runner) settleOf(ctx context.Context, run events.Run, queued uint64) error {
	if err := r.remember(ctx, run); err != nil {
		return err
	}
	return r.bus.DropRun(ctx, queued)
}

// meter counts the runs that wait for machines.
type meter struct{ waiting *prometheus.GaugeVec }

func newMeter() meter {
	return meter{prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "spool_runs_waiting_for_machine", Help: "Runs that wait for a machine that is away, as each runner sees it.",
	}, []string{"machine"})}
}

func (m meter) set(waiting map[string]int) {
	m.waiting.Reset()
	for machine, n := range waiting {
		m.waiting.WithLabelValues(machine).Set(float64(n))
	}
}

// sharedAnywhere reports whether some machine that is there serves the drive of a path as a shared one.
func sharedAnywhere(places events.Places, p events.Path) bool {
	for _, is := range places.All {
		for _, role := range is.Roles {
			if serves, shared := role.Serves(p); role.Role == "runner" && !role.Away && serves && shared {
				return true
			}
		}
	}
	return false
}
