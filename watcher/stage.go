package watcher

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"

	"spool.internal/events"
)

// stageRoot is where a drive keeps the files that were taken for runs.
const stageRoot = ".spool"

// inputDir is the logical folder that holds one staged file alone.
func inputDir(base events.Path, jobID, fingerprint string) string {
	return base.Join(stageRoot, jobID, fingerprint, "input").String()
}

// stages builds the stages of one batch: each under a temporary name, all of
// them renamed once they are whole and, if wanted, on the disk. So a stage that
// has its name is complete, whoever made it and whatever was cut off.
type stages struct {
	drive *os.Root
	job   *os.Root // stageRoot/<job_id>, opened with the first stage
	jobID string
	nonce string
	sync  bool
	built []string // fingerprints
	found bool     // a stage was there already, and perhaps not yet its name on the disk
}

func newStages(drive *os.Root, jobID string, sync bool) *stages {
	return &stages{drive: drive, jobID: jobID, nonce: rand.Text()[:10], sync: sync}
}

func (s *stages) temporary(fingerprint string) string { return "." + fingerprint + "." + s.nonce }

// add builds the stage of one file, unless there is one.
func (s *stages) add(ctx context.Context, fingerprint, name string, src *source) error {
	if err := s.open(); err != nil {
		return err
	}
	if _, err := s.job.Lstat(fingerprint); err == nil {
		s.found = true // an attempt before this one was cut off after it
		return nil
	}
	tmp := s.temporary(fingerprint)
	if err := s.build(ctx, tmp, name, src); err != nil {
		return errors.Join(fmt.Errorf("stage %s: %w", fingerprint, err), s.job.RemoveAll(tmp))
	}
	s.built = append(s.built, fingerprint)
	return nil
}

// drop takes back the stage of one file.
func (s *stages) drop(fingerprint string) {
	if i := slices.Index(s.built, fingerprint); i >= 0 {
		s.built = slices.Delete(s.built, i, i+1)
		_ = s.job.RemoveAll(s.temporary(fingerprint)) // what stays has no name that anybody would use
	}
}

func (s *stages) open() error {
	if s.job != nil {
		return nil
	}
	dir := path.Join(stageRoot, s.jobID)
	if err := s.drive.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make stages: %w", err)
	}
	job, err := s.drive.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("open stages: %w", err)
	}
	s.job = job
	return nil
}

func (s *stages) build(ctx context.Context, tmp, name string, src *source) error {
	if err := s.job.MkdirAll(path.Join(tmp, "input"), 0o755); err != nil {
		return err
	}
	dst, err := s.job.OpenFile(path.Join(tmp, "input", name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, src.stat.perm|0o400)
	if err != nil {
		return err
	}
	err = src.copyTo(ctx, dst)
	if err == nil && s.sync {
		err = syncFile(dst)
	}
	return errors.Join(err, dst.Close())
}

// seal gives the stages their names. After an error none of them may be published.
func (s *stages) seal() error {
	if len(s.built) == 0 && !s.found {
		return nil
	}
	dir, err := s.job.Open(".")
	if err != nil {
		return fmt.Errorf("open stages: %w", err)
	}
	defer dir.Close() //nolint:errcheck // nothing was written through it
	if s.sync && len(s.built) > 0 {
		if err := syncAll(dir); err != nil {
			return fmt.Errorf("sync stages: %w", err)
		}
	}
	for len(s.built) > 0 {
		fingerprint := s.built[0]
		tmp := s.temporary(fingerprint)
		err := s.job.Rename(tmp, fingerprint)
		if _, there := s.job.Lstat(fingerprint); err != nil && there == nil {
			err = s.job.RemoveAll(tmp) // another watcher was first, with the same content
		}
		if err != nil {
			return fmt.Errorf("name stage %s: %w", fingerprint, err)
		}
		s.built = s.built[1:]
	}
	if s.sync {
		if err := syncNames(dir); err != nil {
			return fmt.Errorf("sync stages: %w", err)
		}
	}
	return nil
}

// close removes the stages that have no name yet.
func (s *stages) close() error {
	if s.job == nil {
		return nil
	}
	var errs []error
	for _, fingerprint := range s.built {
		errs = append(errs, s.job.RemoveAll(s.temporary(fingerprint)))
	}
	return errors.Join(append(errs, s.job.Close())...)
}

// removeStages removes everything that was staged for a job on a drive.
func removeStages(drive *os.Root, jobID string) error {
	return drive.RemoveAll(path.Join(stageRoot, jobID))
}

// stagedJobs lists the jobs that have stages on a drive.
func stagedJobs(drive *os.Root) ([]string, error) {
	dir, err := drive.Open(stageRoot)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer dir.Close() //nolint:errcheck // nothing was written through it
	return dir.Readdirnames(-1)
}
