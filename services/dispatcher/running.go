package dispatcher

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/services/daemon"
)

// How long a trigger stays in its queue whose owner has too many runs, and how
// often it is looked whether those have ended of which no end was heard.
const (
	overMost     = 30 * time.Second
	recheckEvery = 5 * time.Second
)

// running knows the runs of each owner that this dispatcher has called for and
// that have not ended. It is safe for concurrent use.
type running struct {
	limit int

	mu      sync.Mutex
	byOwner map[string]*share
	byRun   map[string]string // owner by flow job id
}

// share is what one owner has of the runs.
type share struct {
	runs    map[string]called // by flow job id
	freed   chan struct{}     // closed when one has ended
	checked time.Time
}

type called struct {
	jobID string
	at    time.Time
}

func newRunning(limit int) *running {
	return &running{limit: limit, byOwner: map[string]*share{}, byRun: map[string]string{}}
}

// enter counts a run; freed is nil, or closed when there may be room.
func (r *running) enter(owner, jobID, run string, now time.Time) (freed <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.byOwner[owner]
	if s == nil {
		s = &share{runs: map[string]called{}, freed: make(chan struct{}), checked: now}
		r.byOwner[owner] = s
	}
	if _, ok := s.runs[run]; !ok && len(s.runs) >= r.limit {
		return s.freed
	}
	s.runs[run] = called{jobID, now}
	r.byRun[run] = owner
	return nil
}

// rename is for an endpoint that names runs itself.
func (r *running) rename(from, to string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	owner, ok := r.byRun[from]
	if !ok || from == to {
		return
	}
	s := r.byOwner[owner]
	s.runs[to] = s.runs[from]
	r.byRun[to] = owner
	delete(s.runs, from)
	delete(r.byRun, from)
}

// leave takes in that a run has ended, or will not be.
func (r *running) leave(run string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	owner, ok := r.byRun[run]
	if !ok {
		return
	}
	delete(r.byRun, run)
	s := r.byOwner[owner]
	delete(s.runs, run)
	close(s.freed)
	s.freed = make(chan struct{})
	if len(s.runs) == 0 {
		delete(r.byOwner, owner)
	}
}

// due gives the runs of an owner whose ends are to be looked for now.
func (r *running) due(owner string, now time.Time) (runs map[string]called) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.byOwner[owner]
	if s == nil || now.Sub(s.checked) < recheckEvery {
		return nil
	}
	s.checked = now
	return maps.Clone(s.runs)
}

// hearEnds follows the ends of runs until ctx ends.
func (d *Dispatcher) hearEnds(ctx context.Context) {
	for ctx.Err() == nil {
		_ = d.bus.Follow(ctx, jet.Follow{
			Stream: events.StreamRunEvents, Filters: []string{events.RunsOf(events.Ended, "")}, From: jet.Newest, Headers: true,
		}, func(m jet.Stored) {
			if sub, err := events.ParseSubject(m.Subject); err == nil {
				d.running.leave(sub.Rest)
			}
		})
		daemon.Pause(ctx, time.Second)
	}
}

// recheck looks for ends that were not heard: of runs that had ended before
// they were called for again, and while the connection was down. Runs that wait
// since their job is disabled do not count, so that they hold up no other job.
func (d *Dispatcher) recheck(ctx context.Context, owner string, now time.Time) {
	var ids, ends, starts []string
	for id, c := range d.running.due(owner, now) {
		if now.Sub(c.at) > turnLost {
			d.running.leave(id)
			continue
		}
		ids = append(ids, id)
		ends, starts = append(ends, events.RunSubject(events.Ended, c.jobID, id)), append(starts, events.RunSubject(events.Started, c.jobID, id))
	}
	known, err := d.bus.Known(ctx, events.StreamRunEvents, slices.Concat(ends, starts))
	for i, id := range ids {
		if err != nil {
			return
		}
		sub, _ := events.ParseSubject(ends[i]) // it was built above
		j, ok := d.jobs.get(sub.JobID)
		waits := ok && j.Status == events.Disabled && !known[len(ids)+i]
		if known[i] || waits {
			d.running.leave(id)
		}
	}
}

// admit counts the run that a trigger leads to, if its owner may have one more.
// A file waits here, at the head of its own queue, until that is so; what stands
// in a queue with others goes back into it. false says that it is settled.
func (d *Dispatcher) admit(ctx context.Context, w *work) bool {
	if d.running.limit < 0 || w.job.ByAdmin() || !d.tracks() {
		return true
	}
	owner := w.job.Username
	id := w.ID
	if d.cfg.Secret != "" {
		id = events.FlowJobID(owner, w.ID)
	}
	why := fmt.Sprintf("the quota of %d runs of %s that have not ended is used up", d.running.limit, owner)
	for {
		now := time.Now()
		freed := d.running.enter(owner, w.JobID, id, now)
		if freed == nil {
			w.run = id
			return true
		}
		d.recheck(ctx, owner, now)
		if w.Kind != events.KindFile {
			d.goBack(ctx, w, why)
			return false
		}
		d.wait(w, why, now.Add(recheckEvery))
		timer := time.NewTimer(recheckEvery)
		select {
		case <-freed:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			d.handBack(w, 0)
			return false
		}
	}
}

// goBack puts a trigger back into its queue, for the longer the more wait. One
// of a slot that a newer one has overtaken gets its verdict.
func (d *Dispatcher) goBack(ctx context.Context, w *work, why string) {
	if w.fault == nil {
		if newer, err := d.overtaken(ctx, w); err == nil && newer {
			defer d.flight.leave(w.ID)
			ending, cancel := daemon.Linger(ctx, grace)
			defer cancel()
			d.decide(ending, w, events.VerdictSuperseded, "a newer slot was due before this one was called")
			return
		}
	}
	after := min(soon+time.Duration(d.waiting.count())*10*time.Millisecond, overMost)
	d.wait(w, why, time.Now().Add(after))
	d.handBack(w, after)
}

// uncount takes back what admit has counted.
func (d *Dispatcher) uncount(w *work) {
	if w.run != "" {
		d.running.leave(w.run)
		w.run = ""
	}
}
