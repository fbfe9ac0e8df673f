package dispatcher

import (
	"sync"
	"time"

	"spool.internal/events"
)

// forgotten is how long after its time a trigger that was not redelivered counts as taken by another process.
const forgotten = time.Minute

// waiting tracks the triggers that wait for a retry, here or as delayed redeliveries. It is safe for concurrent use.
type waiting struct {
	mu    sync.Mutex
	byID  map[string]waitingTrigger
	clear map[string]bool // jobs whose published state may be a former process's
}

// waitingTrigger is one of them.
type waitingTrigger struct {
	jobID string
	calls int       // made so far
	up    time.Time // the connection over which this was known
	why   string    // the last error; empty when it does not wait for the endpoint
	next  time.Time // when it is to be called
}

func newWaiting() *waiting {
	return &waiting{byID: map[string]waitingTrigger{}, clear: map[string]bool{}}
}

func (w *waiting) put(id string, v waitingTrigger) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.byID[id] = v
}

func (w *waiting) get(id string) (waitingTrigger, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	v, ok := w.byID[id]
	return v, ok
}

// done forgets a trigger that has ended. old = a former process may have published that it waits.
func (w *waiting) done(id, jobID string, old bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.byID[id]; ok || old {
		w.clear[jobID] = true
	}
	delete(w.byID, id)
}

func (w *waiting) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.byID)
}

// states returns the next trigger of each job, and the jobs that no longer wait for anything.
func (w *waiting) states(now time.Time) (states map[string]events.RetryState, cleared []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	states = map[string]events.RetryState{}
	for id, v := range w.byID {
		if now.Sub(v.next) > forgotten {
			delete(w.byID, id)
			w.clear[v.jobID] = true
			continue
		}
		if v.why == "" {
			continue
		}
		s, ok := states[v.jobID]
		waiting := s.Waiting + 1
		if !ok || v.next.Before(s.Next) {
			s = events.RetryState{JobID: v.jobID, TriggerID: id, Attempt: v.calls, LastError: v.why, Next: v.next.UTC()}
		}
		s.Waiting = waiting
		states[v.jobID] = s
	}
	for id := range w.clear {
		if _, ok := states[id]; !ok {
			cleared = append(cleared, id)
		}
	}
	clear(w.clear)
	return states, cleared
}
