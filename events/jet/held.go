package jet

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"spool.internal/events"
)

// heldFile is the body of a ledger entry whose file was held: see [events.Held].
const heldFile = "held"

// HoldFiles enters files into the ledger without triggering them, each with
// the reason. Those that the ledger knows stay as they are.
func (b *Bus) HoldFiles(ctx context.Context, files []events.Held) error {
	pairs := make([]Pair, len(files))
	for i, h := range files {
		path := h.RawPath()
		pairs[i] = Pair{
			Claim: Message{Subject: events.SeenSubject(h.JobID, path, h.Fingerprint), Data: []byte(heldFile)},
			Work:  []Message{{Subject: events.HeldSubject(h.JobID, path, h.Fingerprint), Data: body(h)}},
		}
	}
	_, err := b.CommitPairs(ctx, events.StreamFiles, pairs)
	return err
}

// HeldFiles lists what is held below a filter, oldest first.
func (b *Bus) HeldFiles(ctx context.Context, filter string) (all []events.Held, err error) {
	err = b.Since(ctx, events.StreamFiles, filter, time.Time{}, func(m Stored) bool {
		var h events.Held
		if json.Unmarshal(m.Data, &h) == nil { // else it is of another version
			all = append(all, h)
		}
		return true
	})
	return all, err
}

// HeldOnPath lists what is held of one path.
func (b *Bus) HeldOnPath(ctx context.Context, jobID, path string) ([]events.Held, error) {
	return b.HeldFiles(ctx, events.HeldPath(jobID, path))
}

// ForgetHeld takes out why a file was held: it is triggered after all.
func (b *Bus) ForgetHeld(ctx context.Context, h events.Held) error {
	return b.Purge(ctx, events.StreamFiles, events.HeldSubject(h.JobID, h.RawPath(), h.Fingerprint), 0)
}

// ReleaseHeld has the ledger forget a held file, which then counts as one that
// was never seen.
func (b *Bus) ReleaseHeld(ctx context.Context, h events.Held) error {
	return errors.Join(
		b.Purge(ctx, events.StreamFiles, events.SeenSubject(h.JobID, h.RawPath(), h.Fingerprint), 0),
		b.ForgetHeld(ctx, h),
	)
}

// FirstRunEvent reads the oldest event of a run, of whatever job.
func (b *Bus) FirstRunEvent(ctx context.Context, flowJobID string) (ev events.RunEvent, found bool, err error) {
	err = b.direct(ctx, events.StreamRunEvents, map[string]any{"next_by_subj": events.PhasesOf("*", flowJobID), "seq": 1},
		func(m Stored) bool {
			found = json.Unmarshal(m.Data, &ev) == nil // else it is of another version
			return false
		})
	return ev, found, err
}
