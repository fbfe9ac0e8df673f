package jet

import (
	"context"
	"strconv"
	"time"

	"spool.internal/events"
)

// What waits until its job is enabled leaves its queue, so that it holds neither a
// worker nor a place among the deliveries: it is kept under a subject of its own in
// the same stream, then acked. When it goes back it is first in the queue, then
// dropped. Cut off in between, it is there twice, and the newer counts.

// poolHeader says in whose queue a paused run waited.
const poolHeader = "Spool-Pool"

// released is the body that takes the place of a paused trigger that is back in its queue.
const released = "released"

// PauseTrigger keeps the trigger of a delivery until [Bus.ResumeTriggers], and takes
// it off its queue.
func (b *Bus) PauseTrigger(ctx context.Context, d *Delivery, t events.Trigger) error {
	_, err := b.commit(ctx, streamTriggers, message{Subject: pausedSubject(t.JobID, t.ID), Header: d.copied(), Data: d.Data})
	if err != nil {
		return err
	}
	return d.Ack()
}

// ResumeTriggers puts the paused triggers of a job back into their queue, in their order.
func (b *Bus) ResumeTriggers(ctx context.Context, jobID string) error {
	var all []Stored
	err := b.sinceSure(ctx, streamTriggers, pausedFilter(jobID), time.Time{}, func(m Stored) bool {
		all = append(all, m)
		return true
	})
	for _, m := range all {
		if err != nil {
			return err
		}
		drop := []uint64{m.Sequence}
		if string(m.Data) != released {
			var last uint64
			last, err = b.commit(ctx, streamTriggers,
				message{Subject: m.Subject, Data: []byte(released), Expect: &m.Sequence},
				message{Subject: triggerSubject(events.KindCron, jobID), Header: m.copied(), Data: m.Data})
			switch {
			case err == nil:
				drop = append(drop, last-1)
			case !IsConflict(err): // else it was paused again, or is in the queue
				return err
			}
		}
		err = b.dropEach(ctx, streamTriggers, drop)
	}
	return err
}

// PauseRun keeps a run until [Bus.ResumeRun]; whoever works on it then acks it.
func (b *Bus) PauseRun(ctx context.Context, pool string, r events.Run) error {
	_, err := b.commit(ctx, streamRuns, message{
		Subject: pausedRunSubject(r.JobID, r.FlowJobID), Data: body(r), Header: map[string]string{poolHeader: pool},
	})
	return err
}

// PausedRun is a run that waits until its job is enabled.
type PausedRun struct {
	events.Run
	queue  string // where it goes back to
	stored Stored
}

// PausedRuns calls f with the runs of a pool and job that wait until it is enabled, at whatever
// place, in their order, until f answers false.
func (b *Bus) PausedRuns(ctx context.Context, pool, jobID string, f func(PausedRun) bool) error {
	return b.sinceSure(ctx, streamRuns, pausedRunsFilter(jobID), time.Time{}, func(m Stored) bool {
		queue := m.header.Get(poolHeader)
		if poolOf(queue) != pool {
			return true
		}
		r, err := decode[events.Run](m)
		return err != nil || f(PausedRun{r, queue, m})
	})
}

// PausedRun reads one run that waits until its job is enabled.
func (b *Bus) PausedRun(ctx context.Context, jobID, flowJobID string) (p PausedRun, found bool, err error) {
	m, found, err := b.last(ctx, streamRuns, pausedRunSubject(jobID, flowJobID))
	if err != nil || !found {
		return PausedRun{}, false, err
	}
	r, err := decode[events.Run](m)
	return PausedRun{r, m.header.Get(poolHeader), m}, err == nil, err
}

// ResumeRun puts a paused run back into its queue, if it is not there, has
// not ended, and was not paused again since.
func (b *Bus) ResumeRun(ctx context.Context, r PausedRun) error {
	_, err := b.commit(ctx, streamRuns, message{
		Subject: runQueueSubject(r.queue, r.FlowJobID), Header: r.stored.copied(), Data: r.stored.Data,
		Expect: &r.stored.Sequence, Of: acceptedRunFilter(r.FlowJobID),
	})
	if err != nil && !IsConflict(err) {
		return err
	}
	return b.dropEach(ctx, streamRuns, []uint64{r.stored.Sequence})
}

// count tells how many messages a stream holds below a filter.
func (b *Bus) count(ctx context.Context, stream, filter string) (n int, err error) {
	err = b.direct(ctx, stream, map[string]any{"next_by_subj": filter, "seq": 1, "batch": 1}, func(m Stored) bool {
		behind, _ := strconv.Atoi(m.header.Get("Nats-Num-Pending"))
		n = behind + 1
		return false
	})
	return n, err
}
