package cron

import (
	"container/heap"
	"context"
	"log/slog"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// yield is how long a replica leaves the backlogs to another that works them off.
// It is many beats, so that two of them together are hardly faster than one.
const yield = 5 * time.Second

// backlogs holds what catch-up owes; jet.Bus is one.
type backlogs interface {
	Backlogs(ctx context.Context) (map[string]events.Backlog, error)
	WorkOff(ctx context.Context, a events.Answers) (uint64, error)
	TrimBacklogs(ctx context.Context, before uint64) error
}

// spacer works off backlogs at a rate that does not stampede. All replicas try and
// the commit is the claim: all begin with the same backlogs, so who is second loses
// and stands back. One goroutine owns it.
type spacer struct {
	store backlogs
	jobs  register
	table *table
	meter *meter
	log   *slog.Logger
	now   func() time.Time
	batch int  // messages in a commit
	rate  int  // triggers a second
	wake  poke // there may be a backlog

	owed backlog // as read, and worked off since
}

// run lives until ctx ends.
func (s *spacer) run(ctx context.Context) {
	for said := false; ctx.Err() == nil; {
		err := s.workOff(ctx)
		switch {
		case ctx.Err() != nil:
		case err == nil:
			said = false
			select {
			case <-s.wake:
			case <-ctx.Done():
			}
		case jet.IsConflict(err):
			pause(ctx, jitter(yield))
		default:
			if !said {
				s.log.Warn("backlogs cannot be worked off now", "error", err.Error())
				said = true
			}
			pause(ctx, jitter(lastRetry))
		}
	}
}

// workOff works until nothing is owed.
func (s *spacer) workOff(ctx context.Context) error {
	n := max(1, s.rate/10)
	beat := time.NewTicker(time.Duration(n) * time.Second / time.Duration(s.rate))
	defer beat.Stop()
	for {
		if err := s.load(ctx); err != nil || len(s.owed) == 0 {
			return err
		}
		for added := false; !added && len(s.owed) > 0; {
			select {
			case <-beat.C:
				if err := s.step(ctx, n); err != nil {
					return err
				}
			case <-s.wake:
				added = true
			case <-ctx.Done():
				return nil
			}
		}
	}
}

// load reads what is owed and takes out the messages that do not count any more. Of
// what other replicas add from now on it knows nothing, so it trims nothing of that.
func (s *spacer) load(ctx context.Context) error {
	all, err := s.store.Backlogs(ctx)
	if err != nil {
		return err
	}
	s.owed = s.owed[:0]
	var first, last uint64
	left := 0
	for _, b := range all {
		last = max(last, b.Last)
		if len(b.Owed) == 0 {
			continue
		}
		s.owed, left = append(s.owed, &b), left+b.Slots()
		if first == 0 || b.First < first {
			first = b.First
		}
	}
	heap.Init(&s.owed)
	s.meter.backlog.Set(float64(left))
	switch {
	case first > 0:
		return s.store.TrimBacklogs(ctx, first)
	case last > 0:
		return s.store.TrimBacklogs(ctx, last+1)
	}
	return nil
}

// step commits up to n triggers and what has to be said about other slots.
func (s *spacer) step(ctx context.Context, n int) error {
	now := s.now()
	if err := barrier(ctx, s.jobs); err != nil {
		return err
	}
	var a events.Answers
	var rests []*events.Backlog
	left := map[*events.Backlog]int{} // slots that each owed before
	for len(a.Fired) < n && a.Len()+len(rests)+2 <= s.batch && len(s.owed) > 0 {
		b := s.owed[0]
		owed := b.Slots()
		if !s.takeOldest(b, &a, now) {
			break
		}
		if _, again := left[b]; !again {
			left[b], rests = owed, append(rests, b)
		}
		if len(b.Owed) == 0 {
			heap.Pop(&s.owed)
		} else {
			heap.Fix(&s.owed, 0)
		}
	}
	if len(rests) == 0 {
		return nil
	}
	for _, b := range rests {
		a.Later = append(a.Later, events.Backlog{JobID: b.JobID, Rest: true, Owed: b.Owed, Last: b.Last})
	}
	seq, err := s.store.WorkOff(ctx, a)
	if err != nil {
		return err
	}
	for i, b := range rests {
		b.Last = seq - uint64(len(rests)-1-i)
		s.meter.backlog.Sub(float64(left[b] - b.Slots()))
	}
	s.meter.count(a, now)
	return nil
}
