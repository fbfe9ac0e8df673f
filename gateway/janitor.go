package gateway

import (
	"context"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/wait"
)

// retryPurge is how long the janitor waits for a broker that is away.
const retryPurge = time.Second

// janitor purges the results of deleted jobs. A deletion is committed by its
// event alone; what follows from it may happen late, twice, or after a restart.
type janitor struct {
	gateway *Gateway

	mu      sync.Mutex
	pending map[string]bool // jobs that were seen to be deleted
	wake    wait.Wake       // wakes run
}

func newJanitor(g *Gateway) *janitor {
	return &janitor{gateway: g, pending: map[string]bool{}, wake: wait.NewWake()}
}

// add asks for a purge and does not wait for it.
func (n *janitor) add(jobID string) {
	n.mu.Lock()
	n.pending[jobID] = true
	n.mu.Unlock()
	n.wake.Set()
}

func (n *janitor) take() map[string]bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	taken := n.pending
	n.pending = map[string]bool{}
	return taken
}

// run purges until ctx ends: first what former deletions left behind, then
// what each deletion leaves.
func (n *janitor) run(ctx context.Context) error {
	for n.sweep(ctx) != nil {
		if wait.Sleep(ctx, retryPurge) != nil {
			return nil
		}
	}
	for {
		select {
		case <-n.wake:
		case <-ctx.Done():
			return nil
		}
		for id := range n.take() {
			if err := n.purge(ctx, id); err != nil {
				n.add(id)
				_ = wait.Sleep(ctx, retryPurge) // the loop sees the end of ctx
			}
		}
	}
}

// sweep purges what belongs to jobs that do not exist.
func (n *janitor) sweep(ctx context.Context) error {
	if err := n.gateway.jobs.Refresh(ctx); err != nil {
		return err
	}
	n.take() // deletions of the last days, which the feed repeats at every start: the sweep covers them
	counts, err := n.gateway.cfg.Bus.Results("").CountByJob(ctx)
	if err != nil {
		return err
	}
	for id := range counts {
		if n.gateway.jobs.known(id) {
			continue
		}
		if err := n.purge(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// purge asks the leader before it takes anything away: a job that this gateway
// cannot read is not a job that is deleted.
func (n *janitor) purge(ctx context.Context, jobID string) error {
	_, err := n.gateway.cfg.Bus.Job(ctx, jobID)
	switch events.CodeOf(err) {
	case events.NotFound:
	case events.Unavailable:
		return err
	default:
		return nil
	}
	if err := n.gateway.cfg.Bus.Results(jobID).Clear(ctx); err != nil {
		return err
	}
	if err := n.gateway.cfg.Bus.Acks(jobID).Clear(ctx); err != nil {
		return err
	}
	n.gateway.index.Forget(jobID)
	n.gateway.cfg.Log.Debug("results of a deleted job are purged", "job_id", jobID)
	return nil
}
