package dispatcher

import (
	"cmp"
	"slices"
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

	earlier *endpoint // that may have taken its last call; nil = none

	failed []events.Call // the last ones, as far as this process has made them
}

func newWaiting() *waiting {
	return &waiting{byID: map[string]waitingTrigger{}, clear: map[string]bool{}}
}

func (w *waiting) put(id string, v waitingTrigger) {
	w.mu.Lock()
	defer w.mu.Unlock()
	v.failed = w.byID[id].failed
	w.byID[id] = v
}

// failed notes a call of a trigger that waits.
func (w *waiting) failed(id string, c events.Call) {
	w.mu.Lock()
	defer w.mu.Unlock()
	v := w.byID[id]
	v.failed = append(slices.Clone(v.failed[max(0, len(v.failed)+1-events.MaxCalls):]), c)
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
		s := states[v.jobID]
		s.Waiting++
		t := events.RetryTrigger{TriggerID: id, Attempt: v.calls, LastError: v.why, Next: v.next.UTC()}
		if n := len(v.failed); n > 0 {
			t.Last = v.failed[n-1].At
		}
		s.Triggers = soonest(s.Triggers, t)
		states[v.jobID] = s
	}
	for id, s := range states {
		first := s.Triggers[0]
		s.JobID, s.TriggerID, s.Attempt, s.LastError, s.Next = id, first.TriggerID, first.Attempt, first.LastError, first.Next
		states[id] = s
	}
	for id := range w.clear {
		if _, ok := states[id]; !ok {
			cleared = append(cleared, id)
		}
	}
	clear(w.clear)
	return states, cleared
}

// soonest adds a trigger to those of a job that are called next, unless enough are called before it.
func soonest(list []events.RetryTrigger, t events.RetryTrigger) []events.RetryTrigger {
	at, _ := slices.BinarySearchFunc(list, t, func(a, b events.RetryTrigger) int {
		return cmp.Or(a.Next.Compare(b.Next), cmp.Compare(a.TriggerID, b.TriggerID))
	})
	if at == events.MaxRetryTriggers {
		return list
	}
	list = slices.Insert(list, at, t)
	return list[:min(len(list), events.MaxRetryTriggers)]
}
