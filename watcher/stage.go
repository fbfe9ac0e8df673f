package watcher

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/watcher/settle"
)

// stages puts the files of one batch where their runs find them. A file has its
// name there only when it is whole: a link at once, a copy by a rename from a
// temporary name. So what is cut off leaves folders without a file, which the
// next attempt fills, and temporary files, which the janitor removes.
type stages struct {
	from  *opened  // the folder of the files
	job   *os.Root // <drive>/.spool/<job_id>, opened with the first stage
	jobID string
	nonce string
	sync  bool
	link  *linking          // nil: files are copied
	files map[string]staged // by fingerprint
	named []string          // those that have their names
}

// linking says which files may be linked, and remembers on which devices copies
// share no blocks, so that a link is what is left there. It is safe for
// concurrent use.
type linking struct {
	above    int64 // files of more bytes
	noClones sync.Map
}

// of gives the linking for a file of so many bytes, or nil where it is to be copied.
func (l *linking) of(size int64) *linking {
	if l == nil || size <= l.above {
		return nil
	}
	return l
}

// staged is a file on its way into its stage.
type staged struct {
	name   string
	looks  settle.Stat
	copied bool // it is whole under its temporary name
}

// errNoLink says that a file can only be copied.
var errNoLink = errors.New("the file cannot be linked")

func newStages(from *opened, jobID string, sync bool, link *linking) *stages {
	return &stages{from: from, jobID: jobID, nonce: rand.Text()[:10], sync: sync, link: link, files: map[string]staged{}}
}

func (s *stages) temporary(fingerprint string) string { return "." + fingerprint + "." + s.nonce }

// add takes in one file that is held: copies it, or only notes what it is to be
// when it is linked.
func (s *stages) add(ctx context.Context, fingerprint, name string, src *source) error {
	if err := s.open(); err != nil {
		return err
	}
	f := staged{name: name, looks: src.stat.Stat}
	if link := s.link.of(src.stat.Size); link == nil {
		err := s.build(s.temporary(fingerprint), src, func(dst *os.File) error { return src.copyTo(ctx, dst) })
		if err != nil {
			return fmt.Errorf("stage %s: %w", name, err)
		}
		f.copied = true
	} else if _, none := link.noClones.Load(src.stat.device); !none {
		switch err := s.build(s.temporary(fingerprint), src, src.cloneTo); {
		case err == nil:
			f.copied = true
		case errors.Is(err, errNoClone):
			link.noClones.Store(src.stat.device, true)
		default:
			return fmt.Errorf("stage %s: %w", name, err)
		}
	}
	s.files[fingerprint] = f
	return nil
}

// drop takes back a file that has no name yet.
func (s *stages) drop(fingerprint string) {
	if s.files[fingerprint].copied {
		_ = s.job.Remove(s.temporary(fingerprint)) // one that stays is the janitor's
	}
	delete(s.files, fingerprint)
}

func (s *stages) open() error {
	if s.job != nil {
		return nil
	}
	job, err := s.from.drives.Create(s.from.base.Join(events.StageRoot, s.jobID))
	if err != nil {
		return fmt.Errorf("%w: %w", errStages, err)
	}
	s.job = job
	return nil
}

func (s *stages) build(tmp string, src *source, fill func(dst *os.File) error) error {
	dst, err := s.job.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, src.stat.perm|0o400)
	if err != nil {
		return err
	}
	err = fill(dst)
	if err = errors.Join(err, dst.Close()); err != nil {
		return errors.Join(err, s.job.Remove(tmp))
	}
	return nil
}

// name gives a file its name in its stage, and reports whether it is a link.
// Somebody else's that is there has the same content: a copy takes its place, a
// link leaves it there. The error is errChanged, errNoLink, or the drive's.
func (s *stages) name(fingerprint string) (linked bool, err error) {
	f := s.files[fingerprint]
	in := path.Join(fingerprint, "input")
	for _, dir := range []string{fingerprint, in} {
		if err := s.job.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return false, fmt.Errorf("make stage: %w", err)
		}
	}
	to := path.Join(in, f.name)
	if f.copied {
		err = s.job.Rename(s.temporary(fingerprint), to)
	} else {
		linked, err = s.linkTo(in, f)
	}
	if err != nil {
		return false, fmt.Errorf("name the stage of %s: %w", f.name, err)
	}
	delete(s.files, fingerprint)
	s.named = append(s.named, to)
	return linked, nil
}

// linkTo makes a link to a file in the folder in, if it is still the one that was held.
func (s *stages) linkTo(in string, f staged) (linked bool, err error) {
	dir, err := s.job.OpenRoot(in)
	if err != nil {
		return false, err
	}
	defer dir.Close() //nolint:errcheck // nothing was written through it
	to := path.Join(in, f.name)
	err = drive.Link(s.from.root, f.name, dir, f.name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, errChanged
	case err != nil && !errors.Is(err, fs.ErrExist):
		return false, fmt.Errorf("%w: %w", errNoLink, err)
	}
	made := err == nil
	there, err := statIn(s.job, to)
	if err != nil {
		return false, err
	}
	same := there.regular && there.Inode == f.looks.Inode && there.Birth == f.looks.Birth
	switch {
	case same && there.Size == f.looks.Size && there.Modified == f.looks.Modified:
		if !made { // the janitor must not take it for one that was given up
			now := time.Now()
			err = s.job.Chtimes(in, now, now)
		}
		return true, err
	case made, same:
		return false, errors.Join(errChanged, s.job.Remove(to))
	default:
		return false, errNoLink // a copy that was made before; perhaps a power cut has spoilt it
	}
}

// seal has what has its name on the disk, if so wanted. After an error none of
// it may be published.
func (s *stages) seal() error {
	if !s.sync || len(s.named) == 0 {
		return nil
	}
	dir, err := s.job.Open(".")
	if err != nil {
		return fmt.Errorf("open stages: %w", err)
	}
	defer dir.Close() //nolint:errcheck // nothing was written through it
	if len(s.named) == 1 {
		err = s.syncOne(s.named[0])
	} else {
		err = syncAll(dir, func() error {
			var errs []error
			for _, name := range s.named {
				errs = append(errs, s.syncOne(name))
			}
			return errors.Join(errs...)
		})
	}
	if err = errors.Join(err, syncNames(dir)); err != nil {
		return fmt.Errorf("sync stages: %w", err)
	}
	return nil
}

// syncOne has one file on the disk, and the two folders that name it.
func (s *stages) syncOne(name string) error {
	f, err := s.job.Open(name)
	if err != nil {
		return err
	}
	err = errors.Join(syncFile(f), f.Close())
	for dir := path.Dir(name); dir != "." && err == nil; dir = path.Dir(dir) {
		d, oerr := s.job.Open(dir)
		if oerr != nil {
			return oerr
		}
		err = errors.Join(syncNames(d), d.Close())
	}
	return err
}

// close removes what has no name.
func (s *stages) close() error {
	if s.job == nil {
		return nil
	}
	for fingerprint := range s.files {
		s.drop(fingerprint)
	}
	return s.job.Close()
}
