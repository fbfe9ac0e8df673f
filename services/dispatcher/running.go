package dispatcher

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/events/wait"
)

// requeueMost is the longest delay of a trigger whose owner has used up the quota; recheckEvery is how often it is
// looked up whether runs of that owner have ended unnoticed.
const (
	requeueMost  = 30 * time.Second
	recheckEvery = 5 * time.Second
)

// running counts the runs of each owner that this dispatcher called for and that have not ended, against the quota.
// It is safe for concurrent use.
type running struct {
	limit int

	mu      sync.Mutex
	byOwner map[string]*ownerRuns
	byRun   map[string]string // owner by flow job id
}

// ownerRuns are the runs of one owner.
type ownerRuns struct {
	runs    map[string]called // by flow job id
	freed   chan struct{}     // closed when one has ended
	checked time.Time
}

type called struct {
	jobID string
	at    time.Time
}

func newRunning(limit int) *running {
	return &running{limit: limit, byOwner: map[string]*ownerRuns{}, byRun: map[string]string{}}
}

// enter counts a run. If the quota is used up it does not, and returns a channel that is closed when a run has ended.
func (r *running) enter(owner, jobID, run string, now time.Time) (freed <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.byOwner[owner]
	if s == nil {
		s = &ownerRuns{runs: map[string]called{}, freed: make(chan struct{}), checked: now}
		r.byOwner[owner] = s
	}
	if _, ok := s.runs[run]; !ok && len(s.runs) >= r.limit {
		return s.freed
	}
	s.runs[run] = called{jobID, now}
	r.byRun[run] = owner
	return nil
}

// rename counts a run under the name that the endpoint gave it.
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

// leave counts a run no more: it has ended, or will not be.
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

// due returns the runs of an owner whose ends are to be looked up now.
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

// followEnds takes in the ends of runs until ctx ends.
func (d *Dispatcher) followEnds(ctx context.Context) {
	for ctx.Err() == nil {
		_ = d.bus.Runs(events.Ended, "").FollowHeads(ctx, jet.Newest, func(m jet.Entry[events.RunEvent]) {
			d.running.leave(m.FlowJobID())
		})
		_ = wait.Sleep(ctx, time.Second)
	}
}

// recheck looks up ends that followEnds missed: of runs that had ended before their call was retried, and those while
// the connection was down. Runs that wait because their job is disabled do not count, so that they delay no other job.
func (d *Dispatcher) recheck(ctx context.Context, owner string, now time.Time) {
	var ids, jobs []string
	var ends, starts jet.View[events.RunEvent]
	for id, c := range d.running.due(owner, now) {
		if now.Sub(c.at) > leaseEnds {
			d.running.leave(id)
			continue
		}
		ids, jobs = append(ids, id), append(jobs, c.jobID)
		ends, starts = ends.And(d.bus.Run(events.Ended, c.jobID, id)), starts.And(d.bus.Run(events.Started, c.jobID, id))
	}
	known, err := ends.And(starts).Known(ctx)
	if err != nil {
		return
	}
	for i, id := range ids {
		j, ok := d.jobs.get(jobs[i])
		waits := ok && j.Status == events.Disabled && !known[len(ids)+i]
		if known[i] || waits {
			d.running.leave(id)
		}
	}
}

// admit counts the run of a trigger against the quota of its owner. If the quota is used up, a file waits here, at the
// head of its own queue; a trigger of a shared queue is returned to it. false = the trigger is settled.
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
			d.requeue(ctx, w, why)
			return false
		}
		d.noteWaiting(w, why, now.Add(recheckEvery))
		timer := time.NewTimer(recheckEvery)
		select {
		case <-freed:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			d.giveBack(w, 0)
			return false
		}
	}
}

// requeue returns a trigger to its queue, for the longer the more triggers wait. One of a slot that was overtaken
// gets its verdict.
func (d *Dispatcher) requeue(ctx context.Context, w *work, why string) {
	if w.fault == nil {
		if newer, err := d.overtaken(ctx, w); err == nil && newer {
			d.finishUncalled(ctx, w, superseded())
			return
		}
	}
	after := min(redeliverSoon+time.Duration(d.waiting.count())*10*time.Millisecond, requeueMost)
	d.noteWaiting(w, why, time.Now().Add(after))
	d.giveBack(w, after)
}

// uncount takes back what admit counted.
func (d *Dispatcher) uncount(w *work) {
	if w.run != "" {
		d.running.leave(w.run)
		w.run = ""
	}
}
