package jet

import (
	"cmp"
	"context"
	"strconv"

	"spool.internal/events"
)

// Runs are the events of one phase of a job's runs; an empty phase means every phase of
// every job, an empty jobID every job.
func (b *Bus) Runs(p events.Phase, jobID string) View[events.RunEvent] {
	if p == "" {
		return view[events.RunEvent](b, streamRunEvents, allRunsFilter)
	}
	return view[events.RunEvent](b, streamRunEvents, runsFilter(p, jobID))
}

// Run is one phase of one run.
func (b *Bus) Run(p events.Phase, jobID, flowJobID string) View[events.RunEvent] {
	return view[events.RunEvent](b, streamRunEvents, runSubject(p, jobID, flowJobID))
}

// RunUndelivered is that the end of a run could not be notified over a channel.
func (b *Bus) RunUndelivered(jobID, flowJobID string, channel events.Channel) View[events.RunEvent] {
	return view[events.RunEvent](b, streamRunEvents, undeliveredSubject(jobID, flowJobID, channel))
}

// RunEvent reads the run event that a delivery carries.
func (d *Delivery) RunEvent() (events.RunEvent, error) { return decode[events.RunEvent](d.Stored) }

// PutRunEvent publishes a phase of a run, if the last event of that phase and
// run stands at the sequence expect (0 = there is none): of all who try, one
// wins, and the others are told [IsConflict]. There is no message id: the server
// would answer a rival's event of the same attempt as if it were ours.
func (b *Bus) PutRunEvent(ctx context.Context, ev events.RunEvent, expect uint64) error {
	_, err := b.putRunEvent(ctx, sourceRunner, ev, expect, "")
	return err
}

// sourceRunner and sourceTracker are the sources of run events: the built-in
// runner, and a dispatcher that asks another endpoint.
const (
	sourceRunner  = "runner"
	sourceTracker = "dispatcher"
)

// PutTrackedEvent is [Bus.PutRunEvent] for a run of an endpoint that is not ours.
func (b *Bus) PutTrackedEvent(ctx context.Context, ev events.RunEvent, expect uint64) error {
	_, err := b.putRunEvent(ctx, sourceTracker, ev, expect, "")
	return err
}

// IsTracked reports whether a run event is of a run of an endpoint that is not ours.
func (m Stored) IsTracked() bool { return m.header.Get("ce-source") == "spool/"+sourceTracker }

// NextRunEvent publishes a phase of a run, if last is the sequence of the last
// event of that run, whatever its phase (0 = there is none): nothing has
// happened to the run since that was read. It gives the sequence of the event.
func (b *Bus) NextRunEvent(ctx context.Context, ev events.RunEvent, last uint64) (uint64, error) {
	return b.putRunEvent(ctx, sourceRunner, ev, last, phasesFilter(ev.JobID, ev.FlowJobID))
}

// PutCancelBefore has a trigger end before its call: of the run that it would start this is then
// the first event, so that the dispatcher does not call for it, and a runner that accepts it
// meanwhile does not start it. It is [IsConflict] when the run has an event already.
func (b *Bus) PutCancelBefore(ctx context.Context, ev events.RunEvent) error {
	_, err := b.putRunEvent(ctx, "gateway", ev, 0, phasesFilter(ev.JobID, ev.FlowJobID))
	return err
}

func (b *Bus) putRunEvent(ctx context.Context, source string, ev events.RunEvent, expect uint64, of string) (uint64, error) {
	ev.Judge()
	id := ev.FlowJobID + "." + string(ev.Phase)
	if ev.Attempt > 0 {
		id += "." + strconv.Itoa(ev.Attempt)
	}
	trace := ev.TriggerID
	if trace == "" {
		trace = ev.FlowJobID
	}
	m := message{
		Subject: runSubject(ev.Phase, ev.JobID, ev.FlowJobID),
		Header:  events.CloudEvent("spool.run."+string(ev.Phase), id, source, trace, ev.At),
		Data:    body(ev),
		Expect:  &expect, Of: of,
	}
	m.Header[headerOutcome] = string(ev.Outcome)
	if ev.Phase == events.Ended && !ev.StartedAt.IsZero() {
		m.Header[headerTook] = strconv.FormatInt(ev.At.Sub(ev.StartedAt).Milliseconds(), 10)
	}
	return b.commit(ctx, streamRunEvents, m)
}

// RunEventsAt is [Bus.ResultsAt] of run events.
func (b *Bus) RunEventsAt(ctx context.Context, seqs []uint64, f func(i int, m Entry[events.RunEvent])) error {
	return b.getMany(ctx, many{stream: streamRunEvents, seqs: seqs}, func(i int, m Stored) bool {
		f(i, Entry[events.RunEvent]{m})
		return true
	})
}

// RunEvent reads the newest event of one phase of one run, and its sequence; a
// sequence of 0 says that there is none.
func (b *Bus) RunEvent(ctx context.Context, p events.Phase, jobID, flowJobID string) (events.RunEvent, uint64, error) {
	return b.lastRunEvent(ctx, runSubject(p, jobID, flowJobID))
}

// LastRunEvent reads the newest event of one run, of whatever phase.
func (b *Bus) LastRunEvent(ctx context.Context, jobID, flowJobID string) (events.RunEvent, uint64, error) {
	return b.lastRunEvent(ctx, phasesFilter(jobID, flowJobID))
}

func (b *Bus) lastRunEvent(ctx context.Context, subject string) (ev events.RunEvent, seq uint64, err error) {
	m, found, err := b.last(ctx, streamRunEvents, subject)
	if err != nil || !found {
		return events.RunEvent{}, 0, err
	}
	ev, err = decode[events.RunEvent](m)
	return ev, m.Sequence, err
}

// FirstRunEvent reads the oldest event of a run, of whatever job.
func (b *Bus) FirstRunEvent(ctx context.Context, flowJobID string) (ev events.RunEvent, found bool, err error) {
	var unread error
	err = b.direct(ctx, streamRunEvents, map[string]any{"next_by_subj": phasesFilter("*", flowJobID), "seq": 1},
		func(m Stored) bool {
			ev, unread = decode[events.RunEvent](m)
			found = unread == nil
			return false
		})
	if err = cmp.Or(err, newer(unread)); err != nil || found || !b.copied(ctx, streamRunEvents) {
		return ev, found, err
	}
	ev, seq, err := b.lastRunEvent(ctx, phasesFilter("*", flowJobID)) // its first may not have come to every copy yet
	return ev, seq > 0, err
}
