package dispatcher

import (
	"context"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// skew allows for a broker whose clock differs from ours.
const skew = 5 * time.Second

// priorEnds looks up whether a trigger has ended before. That is possible only if the trigger was delivered before, or
// stored before this connection was made: then a process that died, or this one before it lost its connection, may
// have ended it without the ack reaching the disk. It is safe for concurrent use.
type priorEnds struct {
	bus  *jet.Bus
	ends ends

	mu    sync.Mutex
	jobs  map[string]jobResults
	heard map[*jet.Ends]heard // of the stream of each ledger
}

// heard is where a stream ended a moment after a connection was made.
type heard struct {
	up     time.Time
	newest uint64
}

// jobResults are the results of one job when this connection was new.
type jobResults struct {
	up  time.Time            // when the connection was made
	ids map[string]time.Time // when each trigger's newest result was stored
}

// ends are the ledgers of how triggers ended.
type ends struct{ files, triggers *jet.Ends }

// of returns the ledger for a delivery.
func (e ends) of(m *jet.Delivery) *jet.Ends {
	if m.IsFile() {
		return e.files
	}
	return e.triggers
}

// maxCached bounds the jobs whose results are cached.
const maxCached = 256

// preload starts the lookup of a delivery that find will be asked about.
func (p *priorEnds) preload(m *jet.Delivery) {
	up := p.bus.Up()
	if newer, _ := p.newer(m, up); !m.First || !newer {
		p.ends.of(m).Ahead(m.Received)
	}
}

// newer reports whether a message was stored after the connection was made; sure is false when that can be told better
// once it is known where the stream ended then.
func (p *priorEnds) newer(m *jet.Delivery, up time.Time) (newer, sure bool) {
	if m.Time.After(up.Add(skew)) {
		return true, true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	h, ok := p.heard[p.ends.of(m)]
	sure = ok && h.up.Equal(up)
	return sure && m.Sequence > h.newest, sure
}

// recent is newer, for sure: it asks once after each connection where the stream ends.
func (p *priorEnds) recent(ctx context.Context, m *jet.Delivery, up time.Time) bool {
	newer, sure := p.newer(m, up)
	if sure {
		return newer
	}
	if newest, err := m.Newest(ctx); err == nil { // else it counts as old
		p.mu.Lock()
		p.heard[p.ends.of(m)] = heard{up, newest}
		p.mu.Unlock()
	}
	return false
}

// find asks the ledger of ends, then the results: an earlier version of Spool kept no ledger.
func (p *priorEnds) find(ctx context.Context, t events.Trigger, m *jet.Delivery) (end jet.End, over bool, err error) {
	up := p.bus.Up()
	recent := p.recent(ctx, m, up)
	if m.First && recent {
		return jet.End{}, false, nil
	}
	end, over, err = p.ends.of(m).Find(ctx, m.Sequence, m.Received)
	switch {
	case err != nil || over:
		return end, over, err
	case m.Deliveries > 1:
		over, err = p.bus.HasResult(ctx, t.JobID, t.ID, m.Time)
		return jet.End{}, over, err
	case recent: // a consumer was made for it: it has not been delivered, or the ledger would know
		return jet.End{}, false, nil
	}
	k, err := p.results(ctx, t.JobID, up)
	// The retry of a dead letter has a result from before it was queued.
	at, found := k.ids[t.ID]
	return jet.End{}, found && !at.Before(m.Time), err
}

// results reads the results of a job, once for all its old triggers.
func (p *priorEnds) results(ctx context.Context, jobID string, up time.Time) (jobResults, error) {
	p.mu.Lock()
	k, ok := p.jobs[jobID]
	p.mu.Unlock()
	if ok && k.up.Equal(up) {
		return k, nil
	}
	k = jobResults{up, map[string]time.Time{}}
	err := p.bus.Results(jobID).Sure().Since(ctx, time.Time{}, func(s jet.Entry[events.Result]) bool {
		k.ids[s.TriggerID()] = s.Time
		return true
	})
	if err != nil {
		return jobResults{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.jobs) >= maxCached {
		clear(p.jobs)
	}
	p.jobs[jobID] = k
	return k, nil
}
