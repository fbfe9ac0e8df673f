package jet

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/google/uuid"

	"spool.internal/events"
)

// markedFile begins the body of a ledger entry of a file that somebody has marked as
// run; what follows is who.
const markedFile = "marked "

// FileStanding is what becomes of a file, by the ledger and the queue.
type FileStanding int

// The standings of a file.
const (
	FileUnknown  FileStanding = iota // nobody has taken it
	FileQueued                       // it waits for its call, or is being called
	FileHeld                         // it was not triggered: runs of its own job led to it
	FileAccepted                     // the built-in runner has accepted its run, and not started it
	FileOver                         // it has been called for, or is not to be
)

// fileEntry is what FILES holds of one file.
type fileEntry struct {
	standing FileStanding
	seen     uint64 // sequences, 0 = none
	queued   uint64
}

// FileStandings tells what becomes of files of a job of owner. Only where that is
// disabled are runs that have not started told from others.
func (b *Bus) FileStandings(ctx context.Context, owner string, files []events.SeenFile, disabled bool) ([]FileStanding, error) {
	entries, err := b.fileEntries(ctx, files)
	if err == nil && disabled {
		err = b.notStarted(ctx, owner, files, entries)
	}
	all := make([]FileStanding, len(entries))
	for i, e := range entries {
		all[i] = e.standing
	}
	return all, err
}

func (b *Bus) fileEntries(ctx context.Context, files []events.SeenFile) ([]fileEntry, error) {
	entries := make([]fileEntry, len(files))
	at := map[string]int{}
	var subjects []string
	for i, f := range files {
		seen, queue := seenSubject(f.JobID, f.Path, f.Fingerprint), fileSubject(f.JobID, f.Fingerprint)
		at[seen], at[queue] = i, i
		subjects = append(subjects, seen, queue)
	}
	err := b.lastOf(ctx, streamFiles, subjects, func(m Stored) {
		e := &entries[at[m.Subject]]
		switch sub, _ := parseSubject(m.Subject); {
		case sub.Family == "file":
			e.queued, e.standing = m.Sequence, FileQueued
		default:
			e.seen = m.Sequence
			if e.standing == FileUnknown {
				e.standing = FileOver
			}
			if string(m.Data) == heldFile {
				e.standing = FileHeld
			}
		}
	})
	return entries, err
}

// notStarted finds the files whose runs wait in the built-in runner.
func (b *Bus) notStarted(ctx context.Context, owner string, files []events.SeenFile, entries []fileEntry) error {
	at := map[string]int{} // by run
	var accepted, started []string
	for i, e := range entries {
		if e.standing == FileOver {
			run := events.FlowJobID(owner, events.FileTriggerID(files[i].JobID, files[i].Fingerprint))
			at[run] = i
			accepted = append(accepted, acceptedRunFilter(run))
		}
	}
	var open []int
	err := b.lastOfSure(ctx, streamRuns, accepted, func(m Stored) {
		sub, _ := parseSubject(m.Subject)
		if i, ok := at[m.Subject[strings.LastIndexByte(m.Subject, '.')+1:]]; ok && sub.Family != "runkey" {
			open = append(open, i)
		}
	})
	if err != nil {
		return err
	}
	for _, i := range open {
		run := events.FlowJobID(owner, events.FileTriggerID(files[i].JobID, files[i].Fingerprint))
		started = append(started, runSubject(events.Started, files[i].JobID, run), runSubject(events.Ended, files[i].JobID, run))
	}
	begun, err := b.knownSure(ctx, streamRunEvents, started)
	for n, i := range open {
		if err == nil && !begun[2*n] && !begun[2*n+1] {
			entries[i].standing = FileAccepted
		}
	}
	return err
}

// MarkedBy tells who has marked a file as run.
func (b *Bus) MarkedBy(ctx context.Context, f events.SeenFile) (by string, marked bool, err error) {
	err = b.lastOfSure(ctx, streamFiles, []string{seenSubject(f.JobID, f.Path, f.Fingerprint)}, func(m Stored) {
		by, marked = marker(m.Data)
	})
	return by, marked, err
}

// MarkFiles has the ledger say that files have run, as somebody says who is named by.
// What is queued is taken out of the queue only where nobody can be calling for it:
// disabled says that the job of owner is. A run of it that the built-in runner has
// accepted ends when it is about to start. It tells which files are marked.
func (b *Bus) MarkFiles(ctx context.Context, owner string, files []events.SeenFile, by string, disabled bool) (marked []bool, err error) {
	marked = make([]bool, len(files))
	entries, err := b.fileEntries(ctx, files)
	if err == nil && disabled {
		err = b.notStarted(ctx, owner, files, entries)
	}
	if err != nil {
		return marked, err
	}
	var open []int
	var pairs []pair
	for i, e := range entries {
		f := files[i]
		switch {
		case e.standing == FileOver, e.standing == FileQueued && !disabled:
			continue
		case e.standing == FileQueued:
			err = b.dropEach(ctx, streamFiles, []uint64{e.queued}) // from here on it does not run
		case e.standing == FileHeld:
			err = b.purge(ctx, streamFiles, purgeRequest{Filter: heldSubject(f.JobID, f.Path, f.Fingerprint)})
		}
		if err == nil && e.seen > 0 {
			err = b.dropEach(ctx, streamFiles, []uint64{e.seen})
		}
		if err != nil {
			return marked, err
		}
		open = append(open, i)
		pairs = append(pairs, pair{Claim: message{
			Subject: seenSubject(f.JobID, f.Path, f.Fingerprint), Data: []byte(markedFile + by),
		}})
	}
	won, err := b.commitPairs(ctx, streamFiles, pairs)
	for n, i := range open {
		marked[i] = won[n]
	}
	return marked, err
}

// marker gives who has marked a file, by the body of its ledger entry.
func marker(entry []byte) (by string, ok bool) {
	if by, ok = strings.CutPrefix(string(entry), markedFile); !ok {
		return "", false
	}
	return by, true
}

// Generations gives the newest request to run a file again, by path, of one job.
func (b *Bus) Generations(ctx context.Context, jobID string) (map[string]string, error) {
	all := map[string]string{}
	err := b.sinceSure(ctx, streamFiles, againFilter(jobID), time.Time{}, func(m Stored) bool {
		if a, err := decode[events.Rerun](m); err == nil {
			all[a.Path()] = a.Generation
		}
		return true
	})
	return all, err
}

// PutMarkList keeps a list for a while, and gives its id.
func (b *Bus) PutMarkList(ctx context.Context, l events.MarkList) (id string, err error) {
	id = uuid.NewString()
	_, err = b.commit(ctx, streamState, briefly(stateSubject("marklist", id), l))
	return id, err
}

// MarkList reads a list; found is false when it is not kept any more.
func (b *Bus) MarkList(ctx context.Context, id string) (l events.MarkList, found bool, err error) {
	if uuid.Validate(id) != nil {
		return l, false, nil
	}
	var unread error
	err = b.lastOfSure(ctx, streamState, []string{stateSubject("marklist", id)}, func(m Stored) {
		found = true
		l, unread = decode[events.MarkList](m)
	})
	return l, found && unread == nil, cmp.Or(err, newer(unread))
}
