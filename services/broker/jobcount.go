package broker

import (
	"context"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/events/wait"
	"spool.internal/services/broker/store"
)

// jobCount counts the jobs, as JOBS says.
type jobCount struct {
	mu     sync.Mutex
	live   map[string]bool
	seq    uint64
	loaded bool
}

func (j *jobCount) run(ctx context.Context, bus *jet.Bus) {
	feed := jet.NewJobFeed(bus, j.apply)
	var following sync.WaitGroup
	defer following.Wait()
	following.Go(func() { _ = feed.Run(ctx) }) // ends with ctx
	for wait.Sleep(ctx, 100*time.Millisecond) == nil {
		if _, err := feed.Barrier(ctx); err == nil {
			break
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.loaded = ctx.Err() == nil
}

func (j *jobCount) apply(r events.JobRevision) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.live == nil {
		j.live = map[string]bool{}
	}
	if r.Gone() {
		delete(j.live, r.Event.Job.ID)
	} else {
		j.live[r.Event.Job.ID] = true
	}
	j.seq = max(j.seq, r.Seq)
}

// known gives how many there are, once that is known.
func (j *jobCount) known() *store.JobsKnown {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.loaded {
		return nil
	}
	return &store.JobsKnown{Seq: j.seq, Live: len(j.live)}
}
