package jet

import (
	"context"

	"spool.internal/events"
)

// Acknowledgements lie beside the results that they are about, and as long: the newest of a
// trigger counts.
const (
	familyAck     = "spool.ack"
	allAcksFilter = familyAck + ".>"
)

// ackSubject carries the acknowledgements of one trigger.
func ackSubject(jobID, triggerID string) string {
	return familyAck + "." + jobID + "." + events.Hash(triggerID)
}

func acksFilter(jobID string) string { return familyAck + "." + jobID + ".>" }

// Acks are the acknowledgements of a job's executions; an empty jobID means every job's.
func (b *Bus) Acks(jobID string) View[events.Ack] {
	return view[events.Ack](b, streamResults, orAll(jobID, allAcksFilter, acksFilter))
}

// Ack is the acknowledgement of one execution.
func (b *Bus) Ack(jobID, triggerID string) View[events.Ack] {
	return view[events.Ack](b, streamResults, ackSubject(jobID, triggerID))
}

// PutAck stores that an end is acknowledged, or that it is not any more.
func (b *Bus) PutAck(ctx context.Context, a events.Ack) error {
	_, err := b.Ack(a.JobID, a.TriggerID).Put(ctx, a)
	return err
}
