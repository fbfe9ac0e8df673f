package gateway

import (
	"context"
	"slices"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/events/sorting"
	"spool.internal/events/wait"
	"spool.internal/gateway/change"
)

// holdEvery is how soon a job is looked at again after a failure.
const holdEvery = 200 * time.Millisecond

// lookBack are the stretches of time in which the failures in a row are looked for,
// until one has an outcome that decides; the last is as long as run events are kept.
var lookBack = []time.Duration{5 * time.Second, time.Minute, time.Hour, 24 * time.Hour, 30 * 24 * time.Hour}

// holder disables jobs after failures in a row (spool.hold_after). It keeps nothing:
// a failure makes it read how the job's last runs ended, so that any gateway, before
// or after a restart, comes to the same. Of several one disables the job.
type holder struct {
	gateway *Gateway
	changes *change.Jobs

	mu   sync.Mutex
	due  map[string]bool // jobs that have had a failure
	wake wait.Wake
}

func newHolder(g *Gateway) *holder {
	return &holder{gateway: g, due: map[string]bool{}, wake: wait.NewWake()}
}

// add has a job looked at, if failures in a row are to disable it.
func (h *holder) add(id string) {
	if !h.gateway.jobs.holds(id) {
		return
	}
	h.mu.Lock()
	h.due[id] = true
	h.mu.Unlock()
	h.wake.Set()
}

func (h *holder) take() map[string]bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	taken := h.due
	h.due = map[string]bool{}
	return taken
}

// called hears of every result.
func (h *holder) called(jobID string, status events.Status) {
	if status == events.ERROR {
		h.add(jobID)
	}
}

// run looks at jobs until ctx ends: first at all, for what happened while no gateway
// ran, then at those that have a failure.
func (h *holder) run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { h.hear(ctx) })
	if until(ctx, func() error { return h.gateway.jobs.Refresh(ctx) }) != nil {
		return nil
	}
	h.all()
	for {
		select {
		case <-h.wake:
		case <-ctx.Done():
			return nil
		}
		for id := range h.take() {
			if err := h.look(ctx, id); err != nil && ctx.Err() == nil {
				h.gateway.cfg.Log.Warn("the failures in a row of a job cannot be counted now", "job_id", id, "error", err.Error())
				h.add(id)
			}
		}
		_ = wait.Sleep(ctx, holdEvery) // the loop sees the end of ctx
	}
}

func (h *holder) all() {
	for _, id := range h.gateway.jobs.held() {
		h.add(id)
	}
}

// hear follows the ends of runs.
func (h *holder) hear(ctx context.Context) {
	for ctx.Err() == nil {
		_ = h.gateway.cfg.Bus.Runs(events.Ended, "").Follow(ctx, jet.Newest, func(m jet.Entry[events.RunEvent]) {
			if ev, err := m.Value(); err == nil && ev.Judged() == events.OutcomeFailed {
				h.add(ev.JobID)
			}
		})
		_ = wait.Sleep(ctx, time.Second)
		h.all() // cut off for long, failures may have gone unheard
	}
}

// look disables a job that has failed as often in a row as it allows.
func (h *holder) look(ctx context.Context, id string) error {
	return h.changes.Hold(ctx, id, func(job events.Job) (string, error) {
		p, err := job.Plan(nil)
		if err != nil || p.Options.HoldAfter == 0 || job.Status != events.Enabled {
			return "", nil //nolint:nilerr // the dispatcher says of a job that it cannot be read
		}
		for _, stretch := range lookBack {
			from := time.Now().Add(-stretch)
			endings, err := h.endings(ctx, id, from)
			if err != nil {
				return "", err
			}
			reason := events.HoldReason(job, p.Options.HoldAfter, endings)
			decided := !from.After(job.EffectiveFrom) || slices.ContainsFunc(endings, func(e events.Ending) bool { return e.Outcome == events.OutcomeOK })
			if reason != "" || decided {
				return reason, nil
			}
		}
		return "", nil
	})
}

// endings gives how the executions of a job have come out since a time, newest first.
func (h *holder) endings(ctx context.Context, id string, from time.Time) (list []events.Ending, err error) {
	bus := h.gateway.cfg.Bus
	err = bus.Runs(events.Ended, id).Sure().Since(ctx, from, func(m jet.Entry[events.RunEvent]) bool {
		if ev, err := m.Value(); err == nil {
			list = append(list, events.Ending{At: ev.At, Outcome: ev.Judged(), Message: ev.Message})
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	err = bus.Results(id).Sure().Since(ctx, from, func(m jet.Entry[events.Result]) bool {
		status := m.Status()
		if status == events.OK && !h.gateway.cfg.Untracked { // its run says how it ends
			return true
		}
		trigger := m.TriggerID()
		if seen[trigger] {
			return true
		}
		if r, err := m.Value(); err == nil {
			seen[trigger] = true
			e := events.Ending{At: time.Unix(0, r.EndedNS), Outcome: events.OutcomeOK}
			if status == events.ERROR {
				e.Outcome, e.Message = events.OutcomeFailed, r.HTTP.Why()
			}
			list = append(list, e)
		}
		return true
	})
	sorting.By(list, func(a, b events.Ending) int { return b.At.Compare(a.At) })
	return list, err
}
