package index

import (
	"context"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// result takes the head of a result in.
func (x *Index) result(h *history, m jet.Stored) {
	jobID := m.JobID()
	x.called(jobID, m.Status())
	x.mu.Lock()
	defer x.mu.Unlock()
	n, ok := x.table.number(jobID)
	if !ok {
		h.results = max(h.results, m.Sequence)
		return
	}
	r := result{seq: m.Sequence, stored: m.Time, job: n, trigger: m.Trigger(), call: outcomeOf(m.Outcome()), kind: kindOf(m.Kind())}
	if r.call == none { // an older version stored it
		if r.call = called; m.Status() == events.ERROR {
			r.call = failed
		}
	}
	if r.kind == 0 {
		kind, _, _ := strings.Cut(m.TriggerID(), ":")
		r.kind = kindOf(events.Kind(kind))
	}
	h.take(r)
	if w, ok := x.retries[n]; ok && w.trigger == r.trigger&traceMask {
		delete(x.retries, n) // it is called no more
	}
}

// stood takes in what a watcher or a dispatcher says.
func (x *Index) stood(m jet.Stored) {
	if s, ok := m.WatchState(); ok {
		x.watched(s, m.Time)
	} else if s, ok := m.RetryState(); ok {
		x.retried(s)
	}
}

// runsInto gives what takes heads of run events into a history.
func (x *Index) runsInto(ctx context.Context, h *history) func(jet.Entry[events.RunEvent]) {
	return func(m jet.Entry[events.RunEvent]) {
		is := outcomeOf(m.Outcome())
		if is == none && m.Phase() == events.Ended { // an older version stored it: the body says
			_ = x.bus.RunEventsAt(ctx, []uint64{m.Sequence}, func(_ int, whole jet.Entry[events.RunEvent]) {
				if ev, err := whole.Value(); err == nil {
					is = outcomeOf(ev.Judged())
				}
			})
		}
		x.heard(h, m.Stored, is)
	}
}

// heard takes a run event in.
func (x *Index) heard(h *history, m jet.Stored, is outcome) {
	phase := m.Phase()
	switch phase {
	case events.Accepted:
		is = waiting
	case events.Started:
		is = running
	case events.Retrying:
		is = retrying
	case events.Ended:
	default:
		is = none // says nothing about how it stands
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	n, ok := x.table.number(m.JobID())
	if !ok || is == none {
		h.runs = max(h.runs, m.Sequence)
		return
	}
	ev := run{seq: m.Sequence, job: n, trigger: m.Trigger(), is: is, at: m.Time, took: uint32(m.Took() / time.Millisecond)}
	h.told(ev, m.Time.Before(h.from.Add(-time.Minute)))
}

// batch is how many runs are asked about at once.
const batch = 500

// readRuns reads what the runs of the newest executions have said, which a follower that
// begins now does not hear.
func (x *Index) readRuns(ctx context.Context, h *history) error {
	var seqs []uint64
	x.mu.RLock()
	for _, o := range h.open {
		for _, place := range o.places {
			seqs = append(seqs, h.log.at(place).sequence())
		}
	}
	x.mu.RUnlock()
	for len(seqs) > 0 {
		some := seqs[:min(batch, len(seqs))]
		seqs = seqs[len(some):]
		var view jet.View[events.RunEvent]
		err := x.bus.ResultsAt(ctx, some, func(_ int, m jet.Entry[events.Result]) {
			if run := m.RunOf(); run != "" {
				view = view.And(x.bus.Run(events.Started, m.JobID(), run), x.bus.Run(events.Retrying, m.JobID(), run), x.bus.Run(events.Ended, m.JobID(), run))
			}
		})
		if err != nil {
			return err
		}
		if err := view.LastEach(ctx, func(m jet.Entry[events.RunEvent]) {
			if ev, err := m.Value(); err == nil {
				x.heard(h, m.Stored, outcomeOf(ev.Judged()))
			}
		}); err != nil {
			return err
		}
	}
	return nil
}
