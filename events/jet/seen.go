package jet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"spool.internal/events"
)

// SeenOnPath reads the ledger of one path, oldest first, whether the file still
// lies there or not. An entry goes a day after its content has gone.
func (b *Bus) SeenOnPath(ctx context.Context, jobID, path string) ([]events.SeenEntry, error) {
	var all []events.SeenEntry
	err := b.eachSeen(ctx, jobID, seenPathFilter(jobID, path), time.Time{}, func(e events.SeenEntry) bool {
		all = append(all, e)
		return true
	})
	return all, err
}

// EachSeen calls f with what was entered into the ledger of one job since t, oldest
// first, until f answers false.
func (b *Bus) EachSeen(ctx context.Context, jobID string, t time.Time, f func(events.SeenEntry) bool) error {
	return b.eachSeen(ctx, jobID, seenFilter(jobID), t, f)
}

func (b *Bus) eachSeen(ctx context.Context, jobID, filter string, t time.Time, f func(events.SeenEntry) bool) error {
	return b.since(ctx, streamFiles, filter, t, func(m Stored) bool {
		sub, err := parseSubject(m.Subject)
		if err != nil {
			return true
		}
		_, fingerprint, _ := strings.Cut(sub.Rest, ".") // path hash, fingerprint
		by, marked := marker(m.Data)
		return f(events.SeenEntry{
			Fingerprint: fingerprint, TriggerID: events.FileTriggerID(jobID, fingerprint), At: m.Time,
			Ignored: marked || string(m.Data) == ignoredFile, MarkedBy: by, Held: string(m.Data) == heldFile,
		})
	})
}

// FilesOnPath is SeenOnPath that also looks which of them are queued.
func (b *Bus) FilesOnPath(ctx context.Context, jobID, path string) ([]events.SeenEntry, error) {
	all, err := b.SeenOnPath(ctx, jobID, path)
	if err != nil {
		return nil, err
	}
	subjects := make([]string, len(all))
	for i, e := range all {
		subjects[i] = fileSubject(jobID, e.Fingerprint)
	}
	queued, err := b.known(ctx, streamFiles, subjects)
	for i := range queued {
		all[i].Queued = queued[i]
	}
	return all, err
}

// SeenAll lists the fingerprints that the ledger holds of one job, if the server
// tells them at once (100,000); whole says whether it did.
func (b *Bus) SeenAll(ctx context.Context, jobID string) (all []string, whole bool, err error) {
	ctx, cancel := b.asking(ctx, streamFiles, 10*time.Second)
	defer cancel()
	answer, err := b.api(ctx, streamInfo, streamFiles, map[string]string{"subjects_filter": seenFilter(jobID)})
	if err != nil {
		return nil, false, fmt.Errorf("read the ledger of files: %w", b.fault(streamFiles, err))
	}
	var info struct {
		Total int `json:"total"` // pages follow when it is more than what is told
		State struct {
			Subjects map[string]int `json:"subjects"`
		} `json:"state"`
		Error *apiFault `json:"error"`
	}
	if err := json.Unmarshal(answer.Data, &info); err != nil {
		return nil, false, fmt.Errorf("read the ledger of files: %w", err)
	}
	if info.Error != nil {
		return nil, false, fmt.Errorf("read the ledger of files: %w", b.apiError(streamFiles, *info.Error))
	}
	if info.Total > len(info.State.Subjects) {
		return nil, false, nil
	}
	for s := range info.State.Subjects {
		all = append(all, s[strings.LastIndexByte(s, '.')+1:])
	}
	return all, true, nil
}

// Reprocess has the file that lies at a path of a job's folder run again, once.
// It is heard by every watcher within 10 s, mostly at once, and remembered for
// as long as the file lies there; where no file lies nothing happens before one
// comes, which would run anyway. Whether one lies there nobody asks here.
func (b *Bus) Reprocess(ctx context.Context, jobID, path, by string) error {
	now := time.Now().UTC()
	file := events.NewFile(path)
	a := events.Rerun{
		JobID: jobID, File: file.Path, FileB64: file.PathB64,
		Generation: strconv.FormatInt(now.UnixNano(), 36), By: by, At: now,
	}
	_, err := b.commit(ctx, streamFiles, message{
		Subject: againSubject(jobID, path, a.Generation), Data: body(a), Expect: new(uint64(0)),
	})
	if err != nil {
		return err
	}
	return b.purge(ctx, streamFiles, purgeRequest{Filter: againPathFilter(jobID, path), Keep: 1})
}

// Reruns are the requests to run files of a job again; an empty jobID means every job's.
func (b *Bus) Reruns(jobID string) View[events.Rerun] {
	return view[events.Rerun](b, streamFiles, orAll(jobID, allAgainFilter, againFilter))
}

// FileRecord is one of the messages that FILES keeps of a file beside its place in the
// queue: its entry in the ledger, a request to run it again, why it was held.
type FileRecord struct {
	Sequence    uint64
	PathHash    string // the [events.Hash] of its path
	Fingerprint string // or the generation that was asked for
}

// EachOfFiles calls f with all that is kept of the files of a job, until f answers false.
func (b *Bus) EachOfFiles(ctx context.Context, jobID string, f func(FileRecord) bool) error {
	for _, filter := range []string{seenFilter(jobID), againFilter(jobID), heldFilter(jobID)} {
		more := true
		err := b.since(ctx, streamFiles, filter, time.Time{}, func(m Stored) bool {
			sub, err := parseSubject(m.Subject)
			if err != nil {
				return true
			}
			hash, fingerprint, _ := strings.Cut(sub.Rest, ".")
			more = f(FileRecord{m.Sequence, hash, fingerprint})
			return more
		})
		if err != nil || !more {
			return errors.Join(err, ctx.Err())
		}
	}
	return nil
}

// DropFileRecords takes records out by their sequences; what is gone already does not count.
func (b *Bus) DropFileRecords(ctx context.Context, seqs []uint64) error {
	return b.dropEach(ctx, streamFiles, seqs)
}

// RerunsAfter calls f with the requests to run files again that were stored after a
// sequence, oldest first, and gives the sequence it has reached.
func (b *Bus) RerunsAfter(ctx context.Context, after uint64, f func(events.Rerun)) (uint64, error) {
	for {
		found := false
		err := b.direct(ctx, streamFiles, map[string]any{"next_by_subj": allAgainFilter, "seq": after + 1},
			func(m Stored) bool {
				found, after = true, m.Sequence
				a, err := decode[events.Rerun](m)
				if err != nil {
					b.log.Error("a request to run a file again cannot be read", "error", err.Error())
				} else {
					f(a)
				}
				return false
			})
		if err != nil || !found {
			return after, err
		}
	}
}
