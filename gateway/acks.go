package gateway

import (
	"context"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/events/wait"
)

// followAcks tells the index which failures somebody has acknowledged, at this gateway or
// another, until ctx ends.
func (g *Gateway) followAcks(ctx context.Context) error {
	for ctx.Err() == nil {
		_ = g.cfg.Bus.Acks("").Follow(ctx, jet.LastEach, func(m jet.Entry[events.Ack]) {
			if ack, err := m.Value(); err == nil {
				g.index.Acknowledge(ack.JobID, ack.TriggerID, m.Time, !ack.Withdrawn)
			}
		})
		_ = wait.Sleep(ctx, time.Second) // the loop sees the end of ctx
	}
	return nil
}
