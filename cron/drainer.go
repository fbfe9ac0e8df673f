package cron

import (
	"context"
	"log/slog"
	"time"

	"spool.internal/events"
	"spool.internal/events/heap"
	"spool.internal/events/jet"
	"spool.internal/events/wait"
)

// standDown is how long a replica leaves the backlogs to another that drains them.
// It is many beats, so that two of them together are hardly faster than one.
const standDown = 5 * time.Second

// backlogs stores what catch-up owes; jet.Bus is one.
type backlogs interface {
	Backlogs(ctx context.Context) (map[string]events.Backlog, error)
	WorkOff(ctx context.Context, a events.Answers) (uint64, error)
	TrimBacklogs(ctx context.Context, before uint64) error
}

// drainer triggers the slots of backlogs at a bounded rate, oldest first. Every replica
// tries; the first commit wins, and the losers stand down. One goroutine owns it.
type drainer struct {
	store backlogs
	jobs  jobLog
	index *index
	meter *meter
	log   *slog.Logger
	now   func() time.Time
	batch int       // messages in a commit
	rate  int       // triggers a second
	wake  wait.Wake // there may be a backlog

	owed *heap.Heap[*events.Backlog] // as read, and drained since
}

// run drains backlogs until ctx ends.
func (d *drainer) run(ctx context.Context) {
	for said := false; ctx.Err() == nil; {
		err := d.drain(ctx)
		switch {
		case ctx.Err() != nil:
		case err == nil:
			said = false
			select {
			case <-d.wake:
			case <-ctx.Done():
			}
		case jet.IsConflict(err):
			_ = wait.Sleep(ctx, wait.Jitter(standDown))
		default:
			if !said {
				d.log.Warn("backlogs cannot be drained now", "error", err.Error())
				said = true
			}
			_ = wait.Sleep(ctx, wait.Jitter(lastRetry))
		}
	}
}

// drain commits step by step until nothing is owed.
func (d *drainer) drain(ctx context.Context) error {
	n := max(1, d.rate/10)
	beat := time.NewTicker(time.Duration(n) * time.Second / time.Duration(d.rate))
	defer beat.Stop()
	for {
		if err := d.load(ctx); err != nil || d.owed.Len() == 0 {
			return err
		}
		for added := false; !added && d.owed.Len() > 0; {
			select {
			case <-beat.C:
				if err := d.step(ctx, n); err != nil {
					return err
				}
			case <-d.wake:
				added = true
			case <-ctx.Done():
				return nil
			}
		}
	}
}

// load reads what is owed, and trims the messages that no longer count. It does not see
// what other replicas add from now on, so it trims nothing of that.
func (d *drainer) load(ctx context.Context) error {
	all, err := d.store.Backlogs(ctx)
	if err != nil {
		return err
	}
	var owed []*events.Backlog
	var first, last uint64
	left := 0
	for _, b := range all {
		last = max(last, b.Last)
		if len(b.Owed) == 0 {
			continue
		}
		owed, left = append(owed, &b), left+b.Slots()
		if first == 0 || b.First < first {
			first = b.First
		}
	}
	d.owed = heap.New(bySlot)
	d.owed.Reset(owed)
	d.meter.backlog.Set(float64(left))
	switch {
	case first > 0:
		return d.store.TrimBacklogs(ctx, first)
	case last > 0:
		return d.store.TrimBacklogs(ctx, last+1)
	}
	return nil
}

// step commits up to n triggers, and the verdicts on slots that get none.
func (d *drainer) step(ctx context.Context, n int) error {
	now := d.now()
	if err := barrier(ctx, d.jobs); err != nil {
		return err
	}
	var a events.Answers
	var rests []*events.Backlog
	left := map[*events.Backlog]int{} // slots that each owed before
	for len(a.Fired) < n && a.Len()+len(rests)+2 <= d.batch && d.owed.Len() > 0 {
		b, _ := d.owed.First()
		owed := b.Slots()
		if !d.takeOldest(b, &a, now) {
			break
		}
		if _, again := left[b]; !again {
			left[b], rests = owed, append(rests, b)
		}
		if len(b.Owed) == 0 {
			d.owed.Pop()
		} else {
			d.owed.Fix(0)
		}
	}
	if len(rests) == 0 {
		return nil
	}
	for _, b := range rests {
		a.Later = append(a.Later, events.Backlog{JobID: b.JobID, Rest: true, Owed: b.Owed, Last: b.Last})
	}
	seq, err := d.store.WorkOff(ctx, a)
	if err != nil {
		return err
	}
	for i, b := range rests {
		b.Last = seq - uint64(len(rests)-1-i)
		d.meter.backlog.Sub(float64(left[b] - b.Slots()))
	}
	d.meter.count(a, now)
	return nil
}
