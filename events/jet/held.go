package jet

import (
	"context"
	"errors"

	"spool.internal/events"
)

// heldFile is the body of a ledger entry whose file was held: see [events.Held].
const heldFile = "held"

// HeldFiles says which files of a job were held, and why; an empty jobID means every job's.
func (b *Bus) HeldFiles(jobID string) View[events.Held] {
	return view[events.Held](b, streamFiles, orAll(jobID, allHeldFilter, heldFilter))
}

// HoldFiles enters files into the ledger without triggering them, each with
// the reason. Those that the ledger knows stay as they are.
func (b *Bus) HoldFiles(ctx context.Context, files []events.Held) error {
	pairs := make([]pair, len(files))
	for i, h := range files {
		path := h.RawPath()
		pairs[i] = pair{
			Claim: message{Subject: seenSubject(h.JobID, path, h.Fingerprint), Data: []byte(heldFile)},
			Work:  []message{{Subject: heldSubject(h.JobID, path, h.Fingerprint), Data: body(h)}},
		}
	}
	_, err := b.commitPairs(ctx, streamFiles, pairs)
	return err
}

// HeldOnPath lists what is held of one path.
func (b *Bus) HeldOnPath(ctx context.Context, jobID, path string) ([]events.Held, error) {
	return view[events.Held](b, streamFiles, heldPathFilter(jobID, path)).All(ctx)
}

// ForgetHeld takes out why a file was held: it is triggered after all.
func (b *Bus) ForgetHeld(ctx context.Context, h events.Held) error {
	return b.purge(ctx, streamFiles, purgeRequest{Filter: heldSubject(h.JobID, h.RawPath(), h.Fingerprint)})
}

// ReleaseHeld has the ledger forget a held file, which then counts as one that
// was never seen.
func (b *Bus) ReleaseHeld(ctx context.Context, h events.Held) error {
	return errors.Join(
		b.purge(ctx, streamFiles, purgeRequest{Filter: seenSubject(h.JobID, h.RawPath(), h.Fingerprint)}),
		b.ForgetHeld(ctx, h),
	)
}
