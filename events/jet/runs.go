package jet

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"spool.internal/events"
)

// AcceptRun queues a run for a pool, once: when a run of this identity has been
// accepted before, nothing is stored and that run is the answer, not fresh. It is one
// message: until the run is taken off the queue its place there is its claim,
// and [Bus.KeepRun] must have put the key in its stead by then.
func (b *Bus) AcceptRun(ctx context.Context, pool string, r events.Run) (run events.Run, fresh bool, err error) {
	_, err = b.Commit(ctx, events.StreamRuns, Message{
		Subject: events.RunQueueSubject(pool, r.FlowJobID), Data: body(r),
		Expect: new(uint64(0)), Of: events.AcceptedRun(r.FlowJobID),
	})
	if !IsConflict(err) {
		return r, err == nil, err
	}
	first, found, err := b.AcceptedRun(ctx, r.FlowJobID)
	if err == nil && !found { // its key was purged between the two
		err = &events.Error{Code: events.Unavailable, Message: "the run is being forgotten: try again"}
	}
	return first, false, err
}

// KeepRun stores the key of a run that has ended, so that it is known when it
// is off the queue. Keys lie in the order in which their runs ended.
func (b *Bus) KeepRun(ctx context.Context, pool string, r events.Run) error {
	_, err := b.Commit(ctx, events.StreamRuns, Message{
		Subject: events.RunKeySubject(pool, r.FlowJobID), Data: body(r), Expect: new(uint64(0)),
	})
	if IsConflict(err) {
		return nil
	}
	return err
}

// ForgetRuns purges the keys of runs that ended before t, and of others, oldest
// first, while the stream holds more than four fifths of what it may.
func (b *Bus) ForgetRuns(ctx context.Context, t time.Time) error {
	stream, err := b.js.Stream(ctx, events.StreamRuns)
	if err != nil {
		return fmt.Errorf("forget runs: %w", err)
	}
	info := stream.CachedInfo()
	excess := int64(info.State.Bytes) - info.Config.MaxBytes/5*4
	var upTo uint64
	err = b.Since(ctx, events.StreamRuns, events.AllRunKeys, time.Time{}, func(m Stored) bool {
		if excess <= 0 && !m.Time.Before(t) {
			return false
		}
		excess -= int64(len(m.Subject) + len(m.Data))
		upTo = m.Sequence + 1
		return true
	})
	if err != nil || upTo == 0 {
		return err
	}
	return b.purge(ctx, events.StreamRuns, map[string]any{"filter": events.AllRunKeys, "seq": upTo})
}

// RunsAhead counts the runs of a pool's queue that go before one, whose consumer
// has the given name; waits is false when that one is not waiting there.
func (b *Bus) RunsAhead(ctx context.Context, consumer, pool, flowJobID string) (ahead uint64, waits bool, err error) {
	own, found, err := b.Last(ctx, events.StreamRuns, events.RunQueueSubject(pool, flowJobID))
	if err != nil || !found {
		return 0, false, err
	}
	cons, err := b.js.Consumer(ctx, events.StreamRuns, consumer)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return 0, false, nil // nobody has ever worked on this queue
	}
	if err != nil {
		return 0, false, fmt.Errorf("queue of pool %s: %w", pool, err)
	}
	state := cons.CachedInfo()
	if own.Sequence <= state.Delivered.Stream {
		return 0, false, nil
	}
	var behind uint64
	err = b.direct(ctx, events.StreamRuns, map[string]any{
		"seq": own.Sequence, "next_by_subj": events.RunQueueOf(pool), "batch": 1,
	}, func(m Stored) bool {
		behind, _ = strconv.ParseUint(m.Header.Get("Nats-Num-Pending"), 10, 64)
		return true
	})
	return state.NumPending - min(state.NumPending, behind+1), true, err
}

// AcceptedRun reads the run of an identity; found is false when none was accepted.
func (b *Bus) AcceptedRun(ctx context.Context, flowJobID string) (r events.Run, found bool, err error) {
	m, found, err := b.Last(ctx, events.StreamRuns, events.AcceptedRun(flowJobID))
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
func (m Stored) IsTracked() bool { return m.Header.Get("ce-source") == "spool/"+sourceTracker }

// NextRunEvent publishes a phase of a run, if last is the sequence of the last
// event of that run, whatever its phase (0 = there is none): nothing has
// happened to the run since that was read. It gives the sequence of the event.
func (b *Bus) NextRunEvent(ctx context.Context, ev events.RunEvent, last uint64) (uint64, error) {
	return b.putRunEvent(ctx, sourceRunner, ev, last, events.PhasesOf(ev.JobID, ev.FlowJobID))
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
	return b.Commit(ctx, events.StreamRunEvents, Message{
		Subject: events.RunSubject(ev.Phase, ev.JobID, ev.FlowJobID),
		Header:  events.CloudEvent("spool.run."+string(ev.Phase), id, source, trace, ev.At),
		Data:    body(ev),
		Expect:  &expect, Of: of,
	})
}

// PutUndelivered records that a notice of the end of a run was given up. The
// second record of one channel is nothing new, and no error.
func (b *Bus) PutUndelivered(ctx context.Context, ev events.RunEvent) error {
	_, err := b.Commit(ctx, events.StreamRunEvents, Message{
		Subject: events.UndeliveredSubject(ev.JobID, ev.FlowJobID, ev.Channel),
		Header:  events.CloudEvent("spool.run.undelivered", ev.FlowJobID+".undelivered."+ev.Channel, "notify", ev.TriggerID, ev.At),
		Data:    body(ev),
		Expect:  new(uint64(0)),
	})
	if IsConflict(err) {
		return nil
	}
	return err
}

// RunEvent reads the newest event of one phase of one run, and its sequence; a
// sequence of 0 says that there is none.
func (b *Bus) RunEvent(ctx context.Context, p events.Phase, jobID, flowJobID string) (events.RunEvent, uint64, error) {
	return b.lastRunEvent(ctx, events.RunSubject(p, jobID, flowJobID))
}

// LastRunEvent reads the newest event of one run, of whatever phase.
func (b *Bus) LastRunEvent(ctx context.Context, jobID, flowJobID string) (events.RunEvent, uint64, error) {
	return b.lastRunEvent(ctx, events.PhasesOf(jobID, flowJobID))
}

func (b *Bus) lastRunEvent(ctx context.Context, subject string) (ev events.RunEvent, seq uint64, err error) {
	m, found, err := b.Last(ctx, events.StreamRunEvents, subject)
	if err != nil || !found {
		return events.RunEvent{}, 0, err
	}
	ev, err = decode[events.RunEvent](m)
	return ev, m.Sequence, err
}
