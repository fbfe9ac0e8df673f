package jet

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/wait"
)

// deletedFor is how long a deleted job is remembered, so that caches that were away hear of it.
const deletedFor = 7 * 24 * time.Hour

func jobRevision(m Stored, ev events.JobEvent) events.JobRevision {
	return events.JobRevision{Seq: m.Sequence, Event: ev, Size: int64(len(m.Data)) + events.JobOverhead}
}

// JobEvents are the changes of a job; an empty jobID means every job's.
func (b *Bus) JobEvents(jobID string) View[events.JobEvent] {
	return view[events.JobEvent](b, streamJobs, orAll(jobID, allJobsFilter, jobSubject))
}

// JobsBound gives the bytes that all jobs together may take up.
func (b *Bus) JobsBound(ctx context.Context) (int64, error) { return b.bound(ctx, streamJobs) }

// PutJob publishes a change of a job that keeps its key, see [Bus.PutKeyedJob].
func (b *Bus) PutJob(ctx context.Context, ev events.JobEvent, expect uint64) (uint64, error) {
	return b.PutKeyedJob(ctx, ev, expect, ev.Job.Key)
}

// PutKeyedJob publishes a change of a job. expect is the sequence of the job's
// newest event (0 = none): when it is another by now, nothing is stored and the
// error is [IsConflict]. While JOBS is nearly full it is [IsFull] for what makes
// a job larger; a job that is disabled then loses its older events, and one that
// is deleted always does.
//
// was is the key that the job had (empty = none). In one batch with the change that
// key is freed and the job's own is claimed; where another job has that, the error is
// a [KeyTaken].
func (b *Bus) PutKeyedJob(ctx context.Context, ev events.JobEvent, expect uint64, was string) (uint64, error) {
	moves, err := b.keyMoves(ctx, ev, was)
	if err != nil {
		return 0, err
	}
	m := message{Subject: jobSubject(ev.Job.ID), Data: body(ev), Expect: &expect}
	id := fmt.Sprintf("job:%s:%d", ev.Job.ID, expect)
	m.Header = events.CloudEvent("spool.job."+string(ev.Event), id, "gateway", id, ev.At)
	switch ev.Event {
	case events.JobDeleted:
		// The rollup removes the job's history at once. A time to live alone would
		// revive the job when it runs out.
		m.Header["Nats-Rollup"] = "sub"
		m.Header[ttlHeader] = deletedFor.String()
	case events.JobDisabled:
		if b.jobs.take(ctx, b, []message{m}) != nil {
			m.Header["Nats-Rollup"] = "sub" // takes no more room than the job did
			ev.Before, ev.Older = 0, 0
			m.Data = body(ev)
		}
	default:
		if err := b.jobs.take(ctx, b, append(moves, m)); err != nil {
			return 0, fmt.Errorf("publish to %s: %w", streamJobs, err)
		}
	}
	return b.commit(ctx, streamJobs, append(moves, m)...)
}

// LastJob reads the newest event of a job from the leader, which is that of its
// deletion for a while; found is false when there is none.
func (b *Bus) LastJob(ctx context.Context, id string) (rev events.JobRevision, found bool, err error) {
	m, found, err := b.last(ctx, streamJobs, jobSubject(id))
	if err != nil || !found {
		return events.JobRevision{}, false, err
	}
	ev, err := decode[events.JobEvent](m)
	return jobRevision(m, ev), err == nil, err
}

// Job reads a job from the leader. A job that never was and a deleted one are
// an [events.Error] of code NotFound.
func (b *Bus) Job(ctx context.Context, id string) (events.JobRevision, error) {
	m, found, err := b.last(ctx, streamJobs, jobSubject(id))
	if err != nil {
		return events.JobRevision{}, err
	}
	if found {
		ev, err := decode[events.JobEvent](m)
		if err != nil {
			return events.JobRevision{}, err
		}
		if ev.Event != events.JobDeleted {
			return jobRevision(m, ev), nil
		}
	}
	return events.JobRevision{}, &events.Error{Code: events.NotFound, Field: "job_id", Message: "no such job"}
}

// History reads the events of a job that are still stored, oldest first. One that cannot
// be read is of another version, and left out. Nothing that was stored is missing, whichever
// copy answers: cron decides by it which slots a job owed.
func (b *Bus) History(ctx context.Context, jobID string) ([]events.JobChange, error) {
	var history []events.JobChange
	err := b.JobEvents(jobID).Sure().Since(ctx, time.Time{}, func(m Entry[events.JobEvent]) bool {
		if ev, err := m.Value(); err == nil {
			history = append(history, events.JobChange{
				JobRevision: events.JobRevision{Seq: m.Sequence, Event: ev}, Stored: m.Time,
			})
		}
		return true
	})
	if err != nil {
		return nil, fmt.Errorf("history of job %s: %w", jobID, err)
	}
	return history, nil
}

// JobFeed keeps a service's cache of all jobs up to date. The service gives it a
// function that applies each revision to the cache; it is called from one
// goroutine, in order.
type JobFeed struct {
	bus   *Bus
	apply func(events.JobRevision)

	mu      sync.Mutex
	seq     uint64          // of the last event that was taken in
	passed  uint64          // up to which there is no other
	alive   map[string]bool // jobs in the cache
	waiting map[chan struct{}]uint64

	asking chan struct{} // holds one while one asks for the last event
}

// NewJobFeed makes a feed; it does nothing before Run.
func NewJobFeed(b *Bus, apply func(events.JobRevision)) *JobFeed {
	return &JobFeed{bus: b, apply: apply, alive: map[string]bool{}, waiting: map[chan struct{}]uint64{}, asking: make(chan struct{}, 1)}
}

// Run follows JOBS until ctx ends. After a cut so long that deletions may have
// been forgotten it loads everything anew and drops what is not there any more.
func (f *JobFeed) Run(ctx context.Context) error {
	var missing map[string]bool // after a reload: jobs that the reload has not shown yet
	for {
		var until uint64
		if missing != nil {
			m, _, err := f.bus.last(ctx, streamJobs, allJobsFilter)
			if err != nil {
				if err := wait.Sleep(ctx, time.Second); err != nil {
					return nil
				}
				continue
			}
			if until = m.Sequence; until == 0 {
				missing = f.drop(missing)
			}
		}
		err := f.bus.follow(ctx, follow{
			Stream: streamJobs, Filters: []string{allJobsFilter}, From: LastEach,
		}, func(m Stored) {
			f.take(m)
			if missing != nil {
				if sub, err := parseSubject(m.Subject); err == nil {
					delete(missing, sub.JobID)
				}
				if m.Sequence >= until {
					missing = f.drop(missing)
				}
			}
		})
		if !errors.Is(err, errStale) {
			return err
		}
		f.mu.Lock()
		missing = make(map[string]bool, len(f.alive))
		for id := range f.alive {
			missing[id] = true
		}
		f.mu.Unlock()
	}
}

func (f *JobFeed) drop(missing map[string]bool) map[string]bool {
	for id := range missing {
		f.apply(events.JobRevision{Event: events.JobEvent{Event: events.JobDeleted, Job: events.Job{ID: id}}})
		f.mu.Lock()
		delete(f.alive, id)
		f.mu.Unlock()
	}
	return nil
}

func (f *JobFeed) take(m Stored) {
	ev, err := decode[events.JobEvent](m)
	if err != nil {
		f.bus.log.Error("a job event cannot be read", "error", err.Error())
	} else {
		f.apply(jobRevision(m, ev))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err == nil {
		if ev.Event == events.JobDeleted {
			delete(f.alive, ev.Job.ID)
		} else {
			f.alive[ev.Job.ID] = true
		}
	}
	f.seq = max(f.seq, m.Sequence)
	for ch, seq := range f.waiting {
		if seq <= f.seq {
			close(ch)
			delete(f.waiting, ch)
		}
	}
}

// Wait blocks until the cache includes the given sequence of JOBS.
func (f *JobFeed) Wait(ctx context.Context, seq uint64) error {
	f.mu.Lock()
	if seq <= f.seq {
		f.mu.Unlock()
		return nil
	}
	ch := make(chan struct{})
	f.waiting[ch] = seq
	f.mu.Unlock()
	select {
	case <-ch:
		return nil
	case <-ctx.Done():
		f.mu.Lock()
		delete(f.waiting, ch)
		f.mu.Unlock()
		return fmt.Errorf("wait for job event %d: %w: %w", seq, f.bus.unavailable(streamJobs, "the jobs are not up to date yet"), context.Cause(ctx))
	}
}

// Barrier blocks until the cache includes every write that was acknowledged before the
// call, and returns the sequence reached.
//
// It asks for the last message of the stream, which is quick, and only where the cache
// may not go that far for the last that it is to hear of: for that the broker goes
// through all jobs. Who waits for that answer takes it too, when it says enough.
func (f *JobFeed) Barrier(ctx context.Context) (uint64, error) {
	m, found, err := f.bus.last(ctx, streamJobs, everySubject)
	if err != nil {
		return 0, err
	}
	if found && f.includes(m.Sequence) {
		return m.Sequence, nil
	}
	select {
	case f.asking <- struct{}{}:
		defer func() { <-f.asking }()
	case <-ctx.Done():
		return 0, fmt.Errorf("wait for job event %d: %w: %w", m.Sequence, f.bus.unavailable(streamJobs, "the jobs are not up to date yet"), context.Cause(ctx))
	}
	if found && f.includes(m.Sequence) {
		return m.Sequence, nil
	}
	seq, err := f.catchUp(ctx)
	if err == nil {
		f.mu.Lock()
		f.passed = max(f.passed, m.Sequence) // there is no job's event between the two
		f.mu.Unlock()
	}
	return seq, err
}

// includes reports that there is nothing of a job up to a sequence that the cache does not have.
func (f *JobFeed) includes(seq uint64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return seq <= max(f.seq, f.passed)
}

// catchUp blocks until the cache includes the last event of any job.
func (f *JobFeed) catchUp(ctx context.Context) (uint64, error) {
	for {
		m, _, err := f.bus.last(ctx, streamJobs, allJobsFilter)
		if err != nil {
			return 0, err
		}
		// That message can be superseded and never arrive: ask again after a while.
		step, cancel := context.WithTimeout(ctx, time.Second)
		err = f.Wait(step, m.Sequence)
		cancel()
		if err == nil {
			return m.Sequence, nil
		}
		if ctx.Err() != nil {
			return 0, err
		}
	}
}

// EachJob calls f with every job that there is, in the order of their last changes.
func (b *Bus) EachJob(ctx context.Context, f func(events.Job)) error {
	last, found, err := b.last(ctx, streamJobs, allJobsFilter)
	if err != nil || !found {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	whole := false
	err = b.follow(ctx, follow{Stream: streamJobs, Filters: []string{allJobsFilter}, From: LastEach}, func(m Stored) {
		if ev, err := decode[events.JobEvent](m); err == nil && ev.Event != events.JobDeleted && !whole {
			f(ev.Job)
		}
		if m.Sequence >= last.Sequence { // or what has taken its place
			whole = true
			cancel()
		}
	})
	if err == nil && !whole {
		err = fmt.Errorf("read all jobs: %w: %w", b.unavailable(streamJobs, "the store did not answer"), context.Cause(ctx))
	}
	return err
}
