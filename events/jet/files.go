package jet

import (
	"context"

	"spool.internal/events"
	"spool.internal/events/faultpoint"
)

// Files are those of a job that are queued or being called for; an empty jobID means
// every job's.
func (b *Bus) Files(jobID string) View[events.Trigger] {
	return view[events.Trigger](b, streamFiles, orAll(jobID, allFilesFilter, filesFilter))
}

// File is one file of a job in the queue.
func (b *Bus) File(jobID, fingerprint string) View[events.Trigger] {
	return view[events.Trigger](b, streamFiles, fileSubject(jobID, fingerprint))
}

// Seen is the ledger of the files of a job that were triggered, or are not to be; an
// empty jobID means every job's.
func (b *Bus) Seen(jobID string) View[struct{}] {
	return view[struct{}](b, streamFiles, orAll(jobID, allSeenFilter, seenFilter))
}

// SeenFile is the entry of one file in that ledger.
func (b *Bus) SeenFile(f events.SeenFile) View[struct{}] {
	return view[struct{}](b, streamFiles, seenSubject(f.JobID, f.Path, f.Fingerprint))
}

// SeenPath are the entries of one path in that ledger.
func (b *Bus) SeenPath(jobID, path string) View[struct{}] {
	return view[struct{}](b, streamFiles, seenPathFilter(jobID, path))
}

// SeenFiles asks the ledger which of the files have been triggered.
func (b *Bus) SeenFiles(ctx context.Context, files []events.SeenFile) ([]bool, error) {
	subjects := make([]string, len(files))
	for i, f := range files {
		subjects[i] = seenSubject(f.JobID, f.Path, f.Fingerprint)
	}
	return b.known(ctx, streamFiles, subjects)
}

// FewFiles is how many files are queued one by one rather than in a batch: a
// batch of two costs the server 2 to 3 ms, a message alone 0.02 to 0.2.
const FewFiles = 8

// claimHeader names the ledger entry that a queued file still needs when it is
// taken off the queue.
const claimHeader = "Spool-Claim"

// CommitFiles is [Bus.ClaimFiles] and [Bus.EnterFiles].
func (b *Bus) CommitFiles(ctx context.Context, triggers []events.Trigger) (won []bool, err error) {
	if won, err = b.ClaimFiles(ctx, triggers); err == nil {
		b.EnterFiles(ctx, triggers)
	}
	return won, err
}

// ClaimFiles triggers each file that the ledger does not know yet, and tells
// which this call has triggered; the others are triggered already. Many are
// committed in batches, each claim with its work. Of few each is one message: its
// place in the queue is the claim until the entry is in the ledger, which
// [Bus.EnterFiles] makes, and at the latest [Delivery.Ack].
func (b *Bus) ClaimFiles(ctx context.Context, triggers []events.Trigger) (won []bool, err error) {
	if len(triggers) <= FewFiles {
		return b.claimFew(ctx, triggers)
	}
	pairs := make([]pair, len(triggers))
	for i, t := range triggers {
		pairs[i] = pair{Claim: message{Subject: seenSubjectOf(t)}, Work: []message{fileMessage(t)}}
	}
	return b.commitPairs(ctx, streamFiles, pairs)
}

func seenSubjectOf(t events.Trigger) string {
	return seenSubject(t.JobID, t.File.RawPath(), t.File.Fingerprint)
}

func fileMessage(t events.Trigger) message {
	return message{Subject: fileSubject(t.JobID, t.File.Fingerprint), Data: body(t)}
}

func (b *Bus) claimFew(ctx context.Context, triggers []events.Trigger) (won []bool, err error) {
	won = make([]bool, len(triggers))
	for i, t := range triggers {
		m := fileMessage(t)
		m.Expect, m.Of = new(uint64(0)), seenSubjectOf(t)
		m.Header = map[string]string{claimHeader: m.Of}
		_, err := b.commit(ctx, streamFiles, m)
		switch {
		case err == nil:
			won[i] = true
		case IsConflict(err):
			continue // it is in the ledger
		case IsFull(err): // the stream is full, or the file is queued
			queued, kerr := b.knownSure(ctx, streamFiles, []string{m.Subject})
			if kerr != nil || !queued[0] {
				return won, err
			}
		default:
			return won, err
		}
	}
	faultpoint.Hit(faultpoint.FileCommitted)
	return won, nil
}

// EnterFiles makes those entries of the ledger that [Bus.ClaimFiles] has left for later.
func (b *Bus) EnterFiles(ctx context.Context, triggers []events.Trigger) {
	if len(triggers) > FewFiles {
		return
	}
	for _, t := range triggers {
		if b.enterFile(ctx, seenSubjectOf(t)) != nil {
			break // whoever takes them off the queue does it
		}
	}
	faultpoint.Hit(faultpoint.FileEntered)
}

// enterFile makes a ledger entry of a file, unless it is there.
func (b *Bus) enterFile(ctx context.Context, seen string) error {
	return b.enter(ctx, streamFiles, seen)
}

// enter makes a ledger entry, unless it is there.
func (b *Bus) enter(ctx context.Context, stream, seen string) error {
	_, err := b.commitAnyway(ctx, stream, message{Subject: seen, Expect: new(uint64(0))}) // also where there is no room: it empties the queue
	if IsConflict(err) {
		return nil
	}
	return err
}

// ignoredFile is the body of a ledger entry without a trigger.
const ignoredFile = "ignored"

// IgnoreFiles enters files into the ledger without triggering them.
func (b *Bus) IgnoreFiles(ctx context.Context, files []events.SeenFile) error {
	pairs := make([]pair, len(files))
	for i, f := range files {
		pairs[i] = pair{Claim: message{Subject: seenSubject(f.JobID, f.Path, f.Fingerprint), Data: []byte(ignoredFile)}}
	}
	_, err := b.commitPairs(ctx, streamFiles, pairs)
	return err
}

// HasFiles reports whether files of a job are queued.
func (b *Bus) HasFiles(ctx context.Context, jobID string) (bool, error) {
	return b.holds(ctx, streamFiles, filesFilter(jobID))
}

// holds reports whether a stream has messages of a subject or filter.
func (b *Bus) holds(ctx context.Context, stream, filter string) (found bool, err error) {
	err = b.direct(ctx, stream, map[string]any{"next_by_subj": filter, "seq": 1}, func(Stored) bool { found = true; return false })
	return found, err
}
