package index

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

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
	r := result{seq: m.Sequence, stored: m.Time, job: n, trigger: m.Trigger(), call: outcomeOf(m.Outcome()), kind: kindOf(m.Kind()), slot: slotOf(m.TriggerID())}
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
	if h.names != nil && r.call == waiting {
		if run, err := uuid.Parse(m.RunOf()); err == nil {
			h.names[h.log.next-1] = run
		}
	}
	if w, ok := x.retries[n]; ok && w.trigger == r.trigger&traceMask {
		delete(x.retries, n) // it is called no more
	}
}

// hearAck takes an acknowledgement in that was stored before the index began. The gateway follows those that come.
func (x *Index) hearAck(m jet.Entry[events.Ack]) {
	if a, err := m.Value(); err == nil {
		x.Acknowledge(a.JobID, a.TriggerID, m.Time, !a.Withdrawn)
	}
}

// stood takes in what a watcher or a dispatcher says.
func (x *Index) stood(m jet.Stored) {
	if s, ok := m.WatchState(); ok {
		x.watched(s, m.Time, m.IsOwn())
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
// begins now does not hear: first which have ended, since most have.
func (x *Index) readRuns(ctx context.Context, h *history) error {
	for _, phases := range [][]events.Phase{{events.Ended}, {events.Started, events.Retrying}} {
		x.mu.RLock()
		open := make([]uint32, 0, len(h.names))
		for place := range h.names {
			if h.log.at(place).outcome().open() {
				open = append(open, place)
			}
		}
		x.mu.RUnlock()
		for some := range slices.Chunk(open, batch) {
			if err := x.phasesOf(h, some, phases).LastEach(ctx, func(m jet.Entry[events.RunEvent]) {
				if ev, err := m.Value(); err == nil {
					x.heard(h, m.Stored, outcomeOf(ev.Judged()))
				}
			}); err != nil {
				return err
			}
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	h.names = nil
	return nil
}

// phasesOf is some phases of the runs of some executions.
func (x *Index) phasesOf(h *history, places []uint32, phases []events.Phase) (view jet.View[events.RunEvent]) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for _, place := range places {
		job := x.table.all[h.log.at(place).number()].id.String()
		for _, phase := range phases {
			view = view.And(x.bus.Run(phase, job, h.names[place].String()))
		}
	}
	return view
}
