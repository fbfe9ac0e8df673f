package dispatcher

import (
	"context"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// skew allows for a broker whose clock is not ours.
const skew = 5 * time.Second

// history answers whether a trigger has its result already. That can only be so
// for one that was delivered before, or was stored before this connection was
// made: then a process that has died, or this one before a break, may have
// stored the result without the ack reaching the disk.
type history struct {
	bus *jet.Bus

	mu   sync.Mutex
	jobs map[string]known
}

// known is what the results of one job were when this connection was new.
type known struct {
	up  time.Time
	ids map[string]time.Time // when each trigger's newest result was stored
}

// maxKnown bounds the jobs whose results are remembered.
const maxKnown = 256

func (h *history) has(ctx context.Context, t events.Trigger, m *jet.Delivery) (bool, error) {
	up := h.bus.Up()
	switch {
	case m.Deliveries > 1:
		return h.bus.HasResult(ctx, t.JobID, t.ID, m.Time)
	case m.Time.After(up.Add(skew)):
		return false, nil
	}
	// One read for all the old work of a job, however much there is.
	h.mu.Lock()
	k, ok := h.jobs[t.JobID]
	h.mu.Unlock()
	if !ok || !k.up.Equal(up) {
		k = known{up, map[string]time.Time{}}
		err := h.bus.Since(ctx, events.StreamResults, events.ResultSubject(t.JobID), time.Time{}, func(s jet.Stored) bool {
			k.ids[s.Header.Get("ce-id")] = s.Time
			return true
		})
		if err != nil {
			return false, err
		}
		h.mu.Lock()
		if len(h.jobs) >= maxKnown {
			clear(h.jobs)
		}
		h.jobs[t.JobID] = k
		h.mu.Unlock()
	}
	// A dead letter that is tried again has a result from before it was queued again.
	at, found := k.ids[t.ID]
	return found && !at.Before(m.Time), nil
}
