package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/fileid"
)

// staged is a file in its stage: <drive>/.spool/<job_id>/<fingerprint>.<attempt>/<name>. Former releases wrote
// <fingerprint>/input/<name>.
type staged struct {
	job, fingerprint string
	folder           events.Path
	file             *events.FileRef
}

// stageOf says of which file a folder is the stage; ok is false when it is none.
func stageOf(jobID string, input events.Path, file *events.FileRef) (s staged, ok bool) {
	parts := strings.Split(input.Rel, "/")
	if jobID == "" || file == nil || len(parts) < 3 || parts[0] != events.StageRoot || parts[1] != jobID {
		return staged{}, false
	}
	fingerprint, _, marked := strings.Cut(parts[2], ".")
	ok = marked && len(parts) == 3 || !marked && len(parts) == 4 && parts[3] == "input"
	return staged{jobID, fingerprint, input, file}, ok
}

// restage makes the stage of a file again when it was removed, if the file itself is unchanged since it
// was taken. An [events.Error] says that it is not.
func (r *Runner) restage(ctx context.Context, jobID string, input events.Path, file *events.FileRef) error {
	s, ok := stageOf(jobID, input, file)
	if !ok {
		return nil
	}
	if _, err := r.drives.Stat(input.Join(path.Base(s.file.RawPath()))); !errors.Is(err, fs.ErrNotExist) {
		return nil // any other fault shows when it is opened
	}
	src, err := r.original(ctx, s)
	if err != nil {
		return err
	}
	defer src.Close() //nolint:errcheck // was only read
	if err := r.refill(s, src); err != nil {
		return fmt.Errorf("make the stage of %s again: %w", s.file.Path, err)
	}
	r.log.Warn("the stage of a file was gone and is made again", "job_id", jobID, "file", s.file.Path)
	return nil
}

func (r *Runner) restageFor(ctx context.Context, run events.Run) error {
	input, err := events.ParsePath("input_dir", run.InputDir)
	if err != nil {
		return err
	}
	return r.restage(ctx, run.JobID, input, run.File)
}

// original opens the file that a stage is to hold, as it lies in the folder of its job.
func (r *Runner) original(ctx context.Context, s staged) (*os.File, error) {
	gone := func(why string) error {
		return events.Faultf(events.NotFound, "input_dir", "the copy of %s that was to be run is gone from %s, and %s: run the file as it lies there now with files/reprocess (POST /api/v2/jobs/%s/files/reprocess)",
			s.file.Path, s.folder, why, s.job)
	}
	rev, err := r.bus.Job(ctx, s.job)
	if events.CodeOf(err) == events.NotFound {
		return nil, gone("its job is deleted")
	}
	if err != nil {
		return nil, err
	}
	p, err := events.ParseParameters(rev.Event.Job.Parameters)
	if err != nil {
		return nil, gone("its job cannot be read")
	}
	f, err := r.drives.OpenFile(p.InputDir.Join(s.file.RawPath()))
	if err != nil {
		return nil, unlessShort(err, gone("the file itself "+r.drives.Why(p.InputDir.Join(s.file.RawPath()), err)))
	}
	same, err := r.isOriginal(ctx, s, f)
	if err == nil && !same {
		err = gone("the file itself has changed since")
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// isOriginal reports whether a file is what was taken, run for the first time or again.
func (r *Runner) isOriginal(ctx context.Context, s staged, f *os.File) (bool, error) {
	info, err := fileid.Open(f)
	if err != nil || !info.Regular {
		return false, err
	}
	if fileid.Fingerprint(s.job, s.file.RawPath(), "", info.Stat) == s.fingerprint {
		return true, nil
	}
	generations, err := r.bus.Generations(ctx, s.job)
	return fileid.Fingerprint(s.job, s.file.RawPath(), generations[s.file.RawPath()], info.Stat) == s.fingerprint, err
}

// refill copies the original into its stage. The copy gets its name when it is complete.
func (r *Runner) refill(s staged, src *os.File) error {
	before, err := fileid.Open(src)
	if err != nil {
		return err
	}
	dir, err := r.drives.Create(s.folder)
	if err != nil {
		return err
	}
	defer dir.Close() //nolint:errcheck // what was written is closed before
	name := path.Base(s.file.RawPath())
	// A name of its own in the folder of the job would be the janitor's; here the folder is the file's alone.
	tmp := ".refill-" + s.fingerprint[:min(len(s.fingerprint), 8)] + fmt.Sprint(time.Now().UnixNano())
	dst, err := dir.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, before.Perm|0o400)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	err = errors.Join(err, dst.Sync(), dst.Close())
	if after, serr := fileid.Open(src); err == nil && (serr != nil || after.Stat != before.Stat) {
		err = errors.Join(errors.New("the file has changed while it was copied"), serr)
	}
	if err == nil {
		err = dir.Rename(tmp, name)
	}
	if err != nil {
		return errors.Join(err, dir.Remove(tmp))
	}
	return nil
}
