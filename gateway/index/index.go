package index

import (
	"maps"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// Index is what lists, counts and searches are answered from. See the package comment for
// what it promises. Make one with [New]; it is safe for concurrent use.
type Index struct {
	bus    *jet.Bus
	called func(jobID string, status events.Status)

	mu      sync.RWMutex
	table   *jobs
	minute  events.Minute // that timings know their next slots after
	shown   *history
	filling *history // nil: it is shown, or not begun
	filled  chan struct{}
	err     error // why there is nothing to show yet

	folders map[uint32]folder
	places  map[uint32][]events.SaidWatch // what watchers of places say, which folders has merged
	retries map[uint32]retry
	had     map[uint32]rulings
	acked   map[ack]uint32 // until when ends are acknowledged, in seconds since 1970
}

// New makes an index that knows nothing yet. zone is that of jobs that name none. called hears of
// the call of every result, now and then twice; it must not block.
func New(bus *jet.Bus, zone *time.Location, called func(jobID string, status events.Status)) *Index {
	return &Index{
		bus: bus, called: called, table: newJobs(zone), shown: newHistory(0, time.Now()), filled: make(chan struct{}),
		folders: map[uint32]folder{}, places: map[uint32][]events.SaidWatch{}, retries: map[uint32]retry{}, had: map[uint32]rulings{}, acked: map[ack]uint32{}, err: errNothing,
	}
}

// Apply takes a revision of a job in.
func (x *Index) Apply(rev events.JobRevision) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.table.apply(rev, x.tick(time.Now()))
}

// Forget drops the executions of a job whose results are purged.
func (x *Index) Forget(jobID string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	n, ok := x.table.number(jobID)
	if !ok {
		return
	}
	x.each(func(h *history) { h.forget(n) })
	delete(x.folders, n)
	delete(x.places, n)
	delete(x.retries, n)
	delete(x.had, n)
	maps.DeleteFunc(x.acked, func(a ack, _ uint32) bool { return a.job == n })
}

// Acknowledge has a failure no longer count as failing that was stored up to a time, or count again.
func (x *Index) Acknowledge(jobID, triggerID string, at time.Time, acknowledged bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	n, ok := x.table.number(jobID)
	if !ok {
		return
	}
	if a := (ack{n, events.TraceOf(triggerID) & traceMask}); acknowledged {
		x.acked[a] = seconds(at)
	} else {
		delete(x.acked, a)
	}
}

// ack names an execution whose failure somebody has acknowledged.
type ack struct {
	job     uint32
	trigger uint64
}

// each calls f with what is shown and with what is being filled. x is locked.
func (x *Index) each(f func(*history)) {
	f(x.shown)
	if x.filling != nil {
		f(x.filling)
	}
}

// read locks for reading, with every timing up to date.
func (x *Index) read(now time.Time) (done func()) {
	x.mu.RLock()
	if events.MinuteOf(now) == x.minute {
		return x.mu.RUnlock
	}
	x.mu.RUnlock()
	x.mu.Lock()
	x.tick(now)
	x.mu.Unlock()
	x.mu.RLock()
	return x.mu.RUnlock
}

// knownFrom is since when all executions are known. x is locked.
func (x *Index) knownFrom(now time.Time) time.Time {
	h := x.shown
	if !h.whole {
		return h.from.UTC()
	}
	kept := now.Add(-keptFor).UTC().Truncate(time.Second)
	if h.log.len() > 0 {
		if first := h.log.at(h.log.first); first.sequence() > 1 {
			if at := time.Unix(first.storedAt(), 0).UTC(); at.After(kept) {
				return at
			}
		}
	}
	return kept
}

// keptFor is how long results are kept at most.
const keptFor = 30 * 24 * time.Hour

// standingOf is how a job stands, in words of this package. x is locked.
func (x *Index) standingOf(n uint32) (last outcome, failing bool) {
	s := x.shown.seen(n)
	return s.last, s.last.bad() && (len(x.acked) == 0 || !x.acknowledged(n))
}

// acknowledged reports that somebody has acknowledged how an execution came out that finished last. x is locked.
func (x *Index) acknowledged(n uint32) bool {
	_, e, ok := x.shown.before(x.shown.seen(n).finished)
	return ok && x.acked[ack{n, e.trace()}] >= e.at
}

// lastAt is when the execution finished that finished last. x is locked.
func (x *Index) lastAt(n uint32) uint32 {
	_, e, ok := x.shown.before(x.shown.seen(n).finished)
	if !ok {
		return 0
	}
	return e.at
}

// nowOf is how the newest execution of a job stands that has not ended. x is locked.
func (x *Index) nowOf(n uint32, now time.Time) (is outcome, since time.Time) {
	s := x.shown.seen(n)
	if s.open {
		o := x.shown.open[n]
		e := x.shown.log.at(o.places[len(o.places)-1])
		return e.outcome(), e.since()
	}
	if s.early {
		list := x.shown.early[n]
		if ev := list[len(list)-1]; ev.is.open() {
			return ev.is, ev.at
		}
	}
	if len(x.retries) > 0 {
		if r, ok := x.retries[n]; ok && r.holds(now) {
			return retrying, time.Time{}
		}
	}
	return none, time.Time{}
}
