package runner

import (
	"context"
	"sync"
	"time"

	"spool.internal/events"
)

// recheckEvery is how often the runs of an owner over the quota are checked for their end.
const recheckEvery = time.Second

// direct tracks the runs that owners started by a call of their own, not through a job, and that this
// process has not seen end. It is safe for concurrent use.
type direct struct {
	mu      sync.Mutex
	runs    map[string]map[string]bool // by owner: flow job ids
	checked map[string]time.Time
}

// admit makes sure that a caller may have one more run, and counts it.
func (r *Runner) admit(ctx context.Context, c caller, flowJobID string) error {
	if c.jobID != "" || c.Role == events.Admin || r.cfg.Running < 0 {
		return nil
	}
	d := &r.direct
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.runs == nil {
		d.runs, d.checked = map[string]map[string]bool{}, map[string]time.Time{}
	}
	if d.runs[c.Owner] == nil {
		d.runs[c.Owner] = map[string]bool{}
	}
	runs := d.runs[c.Owner]
	if runs[flowJobID] {
		return nil
	}
	if now := time.Now(); len(runs) >= r.cfg.Running && now.Sub(d.checked[c.Owner]) > recheckEvery {
		d.checked[c.Owner] = now
		for id := range runs {
			_, seq, err := r.bus.RunEvent(ctx, events.Ended, "", id)
			if err != nil {
				return err
			}
			if seq > 0 {
				delete(runs, id)
			}
		}
	}
	if len(runs) >= r.cfg.Running {
		return events.Faultf(events.Full, "", "the quota of %d runs of %s that have not ended is used up: try again when some have", r.cfg.Running, c.Owner)
	}
	runs[flowJobID] = true
	return nil
}

// forgetDirect stops counting a run that was not accepted, or has ended.
func (r *Runner) forgetDirect(owner, flowJobID string) {
	r.direct.mu.Lock()
	defer r.direct.mu.Unlock()
	delete(r.direct.runs[owner], flowJobID)
}
