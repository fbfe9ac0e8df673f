package cron

import (
	"context"
	"time"

	"spool.internal/events/jet"
	"spool.internal/events/wait"
)

// copyVerdicts copies verdicts to SLOTS, where the API reads them. All replicas share the queue.
func (c *Cron) copyVerdicts(ctx context.Context) {
	verdicts := c.bus.NewVerdicts("").Queue("cron-verdicts", 1000)
	for said := false; ctx.Err() == nil; {
		err := c.bus.Pull(ctx, verdicts, 64, func(d *jet.Delivery) { c.copyVerdict(ctx, d) })
		if err == nil || ctx.Err() != nil {
			continue
		}
		if !said {
			c.log.Warn("verdicts cannot be read now", "error", err.Error())
			said = true
		}
		_ = wait.Sleep(ctx, wait.Jitter(time.Second))
	}
}

func (c *Cron) copyVerdict(ctx context.Context, d *jet.Delivery) {
	v, err := d.Verdict()
	if err != nil {
		c.log.Error("a verdict cannot be read", "error", err.Error())
		_ = d.Drop("not a verdict") // when this fails it comes again
		return
	}
	if err = c.bus.CopyVerdict(ctx, v); err == nil {
		err = d.Ack()
	} else {
		_ = d.Nak(time.Second)
	}
	if err != nil && ctx.Err() == nil {
		c.log.Warn("a verdict is not recorded yet", "job_id", v.JobID, "error", err.Error())
	}
}

// trimClock keeps the newest clock only, for every pass adds one.
func (c *Cron) trimClock(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.loop.sweep:
		}
		if err := c.bus.Clocks().Keep(ctx, 1); err != nil && ctx.Err() == nil {
			c.log.Warn("old clocks stay until the next sweep", "error", err.Error())
		}
	}
}
