package jet

import (
	"context"

	"spool.internal/events"
)

// NewVerdicts are the verdicts on the slots of a job that cron has not copied yet to
// where people look for them; an empty jobID means every job's.
func (b *Bus) NewVerdicts(jobID string) View[events.Verdict] {
	return view[events.Verdict](b, streamTriggers, orAll(jobID, allVerdictsFilter, verdictSubject))
}

// Verdicts are the last verdicts on the slots of a job ([VerdictsPerJob]); an empty
// jobID means every job's.
func (b *Bus) Verdicts(jobID string) View[events.Verdict] {
	return view[events.Verdict](b, streamSlots, orAll(jobID, allSlotsFilter, slotSubject))
}

// CopyVerdict stores a verdict where people look for it.
func (b *Bus) CopyVerdict(ctx context.Context, v events.Verdict) error {
	_, err := b.commit(ctx, streamSlots, message{
		Subject: slotSubject(v.JobID), Data: body(v),
		Header: map[string]string{"Nats-Msg-Id": v.ID()},
	})
	return err
}

// Verdict reads the verdict that a delivery carries.
func (d *Delivery) Verdict() (events.Verdict, error) { return decode[events.Verdict](d.Stored) }
