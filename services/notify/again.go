package notify

import (
	"context"
	"log/slog"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// complete reads the end of the run that a request is about; found is false when it is not kept
// any more, or the request was carried out before: its consumer may be made anew.
func (c *channel) complete(ctx context.Context, n notification) (_ notification, found bool, err error) {
	if n.again == nil {
		return n, true, nil
	}
	ev, seq, err := c.bus.RunEvent(ctx, events.Ended, n.jobID, n.again.FlowJobID)
	if err != nil || seq == 0 {
		return n, false, err
	}
	n.run, n.seq, n.at = &ev, seq, ev.At
	over := false
	err = c.bus.RunTold(n.jobID, ev.FlowJobID, c.name).And(c.bus.RunUndelivered(n.jobID, ev.FlowJobID, c.name)).Sure().LastEach(ctx, func(m jet.Entry[events.RunEvent]) {
		came, err := m.Value()
		over = over || err == nil && !came.At.Before(n.again.At)
	})
	return n, !over, err
}

// told records that the end of a run was told. That it was is in the log, too: what is not
// recorded here is shown as not known.
func (c *channel) told(ctx context.Context, n notification, log *slog.Logger) {
	if n.run == nil {
		return
	}
	ev := events.RunEvent{
		Phase: events.Told, At: time.Now().UTC(), Channel: c.name, FlowJobID: n.run.FlowJobID, TriggerID: n.run.TriggerID, JobID: n.run.JobID,
		Owner: n.run.Owner, BinaryPath: n.run.BinaryPath, InputDir: n.run.InputDir, OutputFolder: n.run.OutputFolder,
	}
	if err := c.bus.PutTold(ctx, ev); err != nil {
		log.Warn("cannot record that a notification was delivered", "error", err.Error())
	}
}
