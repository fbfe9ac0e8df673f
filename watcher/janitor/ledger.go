package janitor

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path"
	"slices"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/watcher/stage"
)

// absentFor is how long a path must have been found without a file before what
// the ledger knows of it is forgotten: a file that was only moved away for a
// while does not run again.
const absentFor = 24 * time.Hour

// someEntries is how many entries of a directory are read at a time.
const someEntries = 256

// absence is what the ledger of one job knows of paths where no file lies.
type absence struct {
	folder stage.Identity
	since  map[uint64]time.Time // by the sequence of the entry
}

// purgeLedgers forgets the files that have gone. Only a complete listing is evidence, of the same folder as at the
// listing before, on a drive that holds the job's stages: a drive that is not mounted holds none.
func (j *Janitor) purgeLedgers(ctx context.Context, now time.Time) error {
	jobs := j.cfg.Jobs.Readable()
	var errs []error
	for id := range j.absent {
		if _, ok := jobs[id]; !ok {
			delete(j.absent, id)
		}
	}
	for id, f := range jobs {
		present, folder, err := j.present(ctx, id, f)
		if err != nil {
			delete(j.absent, id)
			continue // its state says so
		}
		errs = append(errs, j.purgeLedger(ctx, id, present, folder, now))
	}
	return errors.Join(errs...)
}

// pathKey is the hash of a path, as it stands in a subject, taken together.
type pathKey [16]byte

func keyOf(hash string) (k pathKey) {
	_, _ = hex.Decode(k[:], []byte(hash[:min(len(hash), 2*len(k))])) // another length is another key
	return k
}

// present lists the paths of a job at which something lies.
func (j *Janitor) present(ctx context.Context, jobID string, f Folder) (map[pathKey]bool, stage.Identity, error) {
	o, err := stage.Open(j.cfg.Drives, f.Path, "", &stage.Activity{})
	if err != nil {
		return nil, stage.Identity{}, err
	}
	defer o.Close()
	if _, err := o.Drives.Stat(o.Base.Join(events.StageRoot, jobID)); err != nil {
		return nil, stage.Identity{}, err
	}
	present := map[pathKey]bool{}
	return present, o.ID, listInto(ctx, present, o.Root, "", f.Recursive)
}

// listInto adds the paths of everything in a directory, and below it if deep.
func listInto(ctx context.Context, present map[pathKey]bool, root *os.Root, below string, deep bool) error {
	dir, err := root.Open(path.Join(".", below))
	if err != nil {
		return err
	}
	defer dir.Close() //nolint:errcheck // was only read
	for ctx.Err() == nil {
		entries, err := dir.ReadDir(someEntries)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, e := range entries {
			name := path.Join(below, e.Name())
			present[keyOf(events.Hash(name))] = true
			if deep && e.IsDir() {
				if err := listInto(ctx, present, root, name, deep); err != nil {
					return err
				}
			}
		}
	}
	return ctx.Err()
}

// purgeLedger forgets the files of one job that have gone for long enough.
func (j *Janitor) purgeLedger(ctx context.Context, jobID string, present map[pathKey]bool, folder stage.Identity, now time.Time) error {
	before := j.absent[jobID]
	if before == nil || before.folder != folder {
		before = &absence{folder: folder}
	}
	after := &absence{folder: folder, since: map[uint64]time.Time{}}
	var gone []jet.FileRecord
	err := j.cfg.Bus.EachOfFiles(ctx, jobID, func(m jet.FileRecord) bool {
		if present[keyOf(m.PathHash)] {
			return true
		}
		since, known := before.since[m.Sequence]
		if !known {
			since = now
		}
		after.since[m.Sequence] = since
		if now.Sub(since) >= absentFor {
			gone = append(gone, m)
		}
		return ctx.Err() == nil
	})
	if err != nil {
		return err
	}
	j.absent[jobID] = after
	forgotten := 0
	for part := range slices.Chunk(gone, someStages) {
		n, err := j.dropRecords(ctx, jobID, part, after)
		if err != nil {
			return err
		}
		forgotten += n
	}
	if forgotten > 0 {
		j.cfg.Log.Info("files that have gone were forgotten", "job_id", jobID, "files", forgotten)
	}
	return nil
}

// dropRecords takes records out of the ledger, except those of files that are still in the queue, called or not: a
// file that comes back would be taken for them.
func (j *Janitor) dropRecords(ctx context.Context, jobID string, part []jet.FileRecord, absent *absence) (n int, err error) {
	var files jet.View[events.Trigger]
	for _, e := range part {
		files = files.And(j.cfg.Bus.File(jobID, e.Fingerprint))
	}
	queued, err := files.Sure().Known(ctx)
	if err != nil {
		return 0, err
	}
	var gone []uint64
	for i, e := range part {
		if !queued[i] {
			gone = append(gone, e.Sequence)
			delete(absent.since, e.Sequence)
		}
	}
	return len(gone), j.cfg.Bus.DropFileRecords(ctx, gone)
}
