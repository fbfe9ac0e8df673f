package jet

import (
	"context"
	"strconv"

	"spool.internal/events"
)

// AcceptRun queues a run for a pool, once: when a run of this identity has been
// accepted before, nothing is stored and that run is the answer.
func (b *Bus) AcceptRun(ctx context.Context, pool string, r events.Run) (events.Run, error) {
	data := body(r)
	won, err := b.CommitPairs(ctx, events.StreamRuns, []Pair{{
		Claim: Message{Subject: events.RunKeySubject(r.FlowJobID), Data: data},
		Work:  []Message{{Subject: events.RunQueueSubject(pool), Data: data}},
	}})
	if err != nil || won[0] {
		return r, err
	}
	first, _, err := b.AcceptedRun(ctx, r.FlowJobID)
	return first, err
}

// AcceptedRun reads the run of an identity; found is false when none was accepted.
func (b *Bus) AcceptedRun(ctx context.Context, flowJobID string) (r events.Run, found bool, err error) {
	m, found, err := b.Last(ctx, events.StreamRuns, events.RunKeySubject(flowJobID))
	if err != nil || !found {
		return events.Run{}, false, err
	}
	r, err = decode[events.Run](m)
	return r, err == nil, err
}

// Run reads the run that a delivery of RUNS carries.
func (d *Delivery) Run() (events.Run, error) { return decode[events.Run](d.Stored) }

// PutRunEvent publishes a phase of a run. Of accepted and ended there is one
// for each run, of started one for each attempt: one that is there already is
// [IsConflict] and stores nothing.
func (b *Bus) PutRunEvent(ctx context.Context, ev events.RunEvent) error {
	id := ev.FlowJobID + "." + string(ev.Phase)
	m := Message{
		Subject: events.RunSubject(ev.Phase, ev.JobID, ev.FlowJobID),
		Data:    body(ev),
		Expect:  new(uint64(0)),
	}
	if ev.Phase == events.Started {
		id += "." + strconv.Itoa(ev.Attempt)
		if ev.Attempt > 1 {
			m.Expect = nil
		}
	}
	trace := ev.TriggerID
	if trace == "" {
		trace = ev.FlowJobID
	}
	m.Header = events.CloudEvent("spool.run."+string(ev.Phase), id, "runner", trace, ev.At)
	m.Header["Nats-Msg-Id"] = id
	_, err := b.Commit(ctx, events.StreamRunEvents, m)
	return err
}

// RunEvent reads the newest event of one phase of one run.
func (b *Bus) RunEvent(ctx context.Context, p events.Phase, jobID, flowJobID string) (ev events.RunEvent, found bool, err error) {
	m, found, err := b.Last(ctx, events.StreamRunEvents, events.RunSubject(p, jobID, flowJobID))
	if err != nil || !found {
		return events.RunEvent{}, false, err
	}
	ev, err = decode[events.RunEvent](m)
	return ev, err == nil, err
}
