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

// PutRunEvent publishes a phase of a run, if the last event of that phase and
// run stands at the sequence expect (0 = there is none): of all who try, one
// wins, and the others are told [IsConflict]. There is no message id: the server
// would answer a rival's event of the same attempt as if it were ours.
func (b *Bus) PutRunEvent(ctx context.Context, ev events.RunEvent, expect uint64) error {
	id := ev.FlowJobID + "." + string(ev.Phase)
	if ev.Attempt > 0 {
		id += "." + strconv.Itoa(ev.Attempt)
	}
	trace := ev.TriggerID
	if trace == "" {
		trace = ev.FlowJobID
	}
	_, err := b.Commit(ctx, events.StreamRunEvents, Message{
		Subject: events.RunSubject(ev.Phase, ev.JobID, ev.FlowJobID),
		Header:  events.CloudEvent("spool.run."+string(ev.Phase), id, "runner", trace, ev.At),
		Data:    body(ev),
		Expect:  &expect,
	})
	return err
}

// RunEvent reads the newest event of one phase of one run, and its sequence; a
// sequence of 0 says that there is none.
func (b *Bus) RunEvent(ctx context.Context, p events.Phase, jobID, flowJobID string) (ev events.RunEvent, seq uint64, err error) {
	m, found, err := b.Last(ctx, events.StreamRunEvents, events.RunSubject(p, jobID, flowJobID))
	if err != nil || !found {
		return events.RunEvent{}, 0, err
	}
	ev, err = decode[events.RunEvent](m)
	return ev, m.Sequence, err
}
