package dispatcher

import (
	"log/slog"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// work is a delivered trigger on its way through the dispatcher.
type work struct {
	*jet.Delivery
	events.Trigger
	job     *job
	params  *events.Parameters
	fault   error         // why the job cannot be read
	limit   time.Duration // retry_for: until this age it is retried
	calls   int           // made before, as far as is known
	known   bool          // calls is certain: this process has counted them
	fresh   bool          // it has certainly not been called before
	old     bool          // a former process may have worked on it
	probe   *endpoint     // the one that the next call probes; nil = no call is a probe
	earlier *endpoint     // the one that may have taken the last call; nil = none
	place   string        // where its run is to be; empty = anywhere
	run     string        // as which the quota counts it: see [running]
	led     events.Cause  // see cause
	ends    *jet.Ends     // the ledger of how triggers of its queue ended
	log     *slog.Logger
}

// stored is when the trigger was stored.
func (w *work) stored() time.Time { return w.Delivery.Time }

// atMostOnce reports whether a failed call must not be retried.
func (w *work) atMostOnce() bool { return w.limit == 0 }

// cause is what led to the execution, as results and events show it.
func (w *work) cause() events.Cause {
	if w.led.Job != nil {
		return w.led
	}
	ref := w.job.ref
	if w.params == nil || w.params != w.job.params || w.job.fault != nil {
		ref = w.job.Ref(w.params)
	}
	w.led = w.Trigger.Cause(ref)
	return w.led
}

// result is what is known of an execution before its call.
func (w *work) result() events.Result { return w.resultAt(w.stored()) }

// resultAt is result for a trigger that was stored at a time.
func (w *work) resultAt(stored time.Time) events.Result {
	c := w.cause()
	r := events.Result{
		TriggerID: w.ID, JobID: w.JobID, Kind: w.Kind, Minute: w.Minute, Slot: c.Slot, Job: c.Job,
		TriggeredAt: stored.UTC(), Attempts: w.calls + 1, RerunOf: w.RerunOf,
		By: w.By, Down: w.Down,
	}
	if w.File != nil {
		r.File = new(*w.File)
		r.File.Name = c.File.Name
	}
	return r
}

// age is for how long a trigger could have been called. The time in which the store took nothing does not count: the
// trigger is not to blame for it, and its first call may have failed because of it.
func (d *Dispatcher) age(w *work) time.Duration {
	since := w.stored()
	if trouble := d.bus.Trouble(); trouble.After(since) {
		since = trouble
	}
	return time.Since(since)
}

// flight is the set of triggers that this process is working on. It is safe for concurrent use.
type flight struct {
	mu  sync.Mutex
	ids map[string]bool
}

// enter adds a trigger. It returns false when the trigger is in the set already.
func (f *flight) enter(id string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ids[id] {
		return false
	}
	f.ids[id] = true
	return true
}

func (f *flight) leave(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.ids, id)
}
