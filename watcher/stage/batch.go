package stage

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

// Batch puts the files of one batch where their runs find them. A file has its
// name there only when it is whole: a link at once, a copy by a rename from a
// temporary name. So what is cut off leaves folders without a file, which the
// next attempt fills, and temporary files, which the janitor removes.
type Batch struct {
	from   *Folder  // the folder of the files
	Job    *os.Root // <drive>/.spool/<job_id>, opened with the first stage
	jobID  string
	nonce  string
	sync   bool
	Links  *Links          // nil: files are copied
	files  map[string]item // by fingerprint
	placed []string        // those that have their names
}

// Links says which files may be linked, and remembers on which devices copies
// share no blocks, so that a link is what is left there. It is safe for
// concurrent use.
type Links struct {
	Above    int64 // files of more bytes
	noClones sync.Map
}

// of gives the linking for a file of so many bytes, or nil where it is to be copied.
func (l *Links) of(size int64) *Links {
	if l == nil || size <= l.Above {
		return nil
	}
	return l
}

// item is a file on its way into its stage.
type item struct {
	name   string
	stat   settle.Stat
	copied bool // it is whole under its temporary name
}

// ErrNoLink says that a file can only be copied.
var ErrNoLink = errors.New("the file cannot be linked")

func NewBatch(from *Folder, jobID string, sync bool, link *Links) *Batch {
	return &Batch{from: from, jobID: jobID, nonce: rand.Text()[:10], sync: sync, Links: link, files: map[string]item{}}
}

func (s *Batch) temporary(fingerprint string) string { return "." + fingerprint + "." + s.nonce }

// Add takes in one file that is held: copies it, or only notes what it is to be
// when it is linked.
func (s *Batch) Add(ctx context.Context, fingerprint, name string, src *Source) error {
	if err := s.Open(); err != nil {
		return err
	}
	f := item{name: name, stat: src.stat.Stat}
	if link := s.Links.of(src.stat.Size); link == nil {
		err := s.build(s.temporary(fingerprint), src, func(dst *os.File) error { return src.CopyTo(ctx, dst) })
		if err != nil {
			return fmt.Errorf("stage %s: %w", name, err)
		}
		f.copied = true
	} else if _, none := link.noClones.Load(src.stat.Device); !none {
		switch err := s.build(s.temporary(fingerprint), src, src.cloneTo); {
		case err == nil:
			f.copied = true
		case errors.Is(err, ErrNoClone):
			link.noClones.Store(src.stat.Device, true)
		default:
			return fmt.Errorf("stage %s: %w", name, err)
		}
	}
	s.files[fingerprint] = f
	return nil
}

// Drop takes back a file that has no name yet.
func (s *Batch) Drop(fingerprint string) {
	if s.files[fingerprint].copied {
		_ = s.Job.Remove(s.temporary(fingerprint)) // one that stays is the janitor's
	}
	delete(s.files, fingerprint)
}

func (s *Batch) Open() error {
	if s.Job != nil {
		return nil
	}
	job, err := s.from.Drives.Create(s.from.Base.Join(events.StageRoot, s.jobID))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrStages, err)
	}
	s.Job = job
	return nil
}

func (s *Batch) build(tmp string, src *Source, fill func(dst *os.File) error) error {
	dst, err := s.Job.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, src.stat.Perm|0o400)
	if err != nil {
		return err
	}
	err = fill(dst)
	if err = errors.Join(err, dst.Close()); err != nil {
		return errors.Join(err, s.Job.Remove(tmp))
	}
	return nil
}

// Place gives a file its name in its stage, and reports whether it is a link.
// Somebody else's that is there has the same content: a copy takes its place, a
// link leaves it there. The error is ErrChanged, ErrNoLink, or the drive's.
func (s *Batch) Place(fingerprint string) (linked bool, err error) {
	f := s.files[fingerprint]
	in := path.Join(fingerprint, "input")
	for _, dir := range []string{fingerprint, in} {
		if err := s.Job.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return false, fmt.Errorf("make stage: %w", err)
		}
	}
	to := path.Join(in, f.name)
	if f.copied {
		err = s.Job.Rename(s.temporary(fingerprint), to)
	} else {
		linked, err = s.linkTo(in, f)
	}
	if err != nil {
		return false, fmt.Errorf("name the stage of %s: %w", f.name, err)
	}
	delete(s.files, fingerprint)
	s.placed = append(s.placed, to)
	return linked, nil
}

// linkTo makes a link to a file in the folder in, if it is still the one that was held.
func (s *Batch) linkTo(in string, f item) (linked bool, err error) {
	dir, err := s.Job.OpenRoot(in)
	if err != nil {
		return false, err
	}
	defer dir.Close() //nolint:errcheck // nothing was written through it
	to := path.Join(in, f.name)
	err = drive.Link(s.from.Root, f.name, dir, f.name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, ErrChanged
	case err != nil && !errors.Is(err, fs.ErrExist):
		return false, fmt.Errorf("%w: %w", ErrNoLink, err)
	}
	made := err == nil
	there, err := statIn(s.Job, to)
	if err != nil {
		return false, err
	}
	same := there.Regular && there.Inode == f.stat.Inode && there.Birth == f.stat.Birth
	switch {
	case same && there.Size == f.stat.Size && there.Modified == f.stat.Modified:
		if !made { // the janitor must not take it for one that was given up
			now := time.Now()
			err = s.Job.Chtimes(in, now, now)
		}
		return true, err
	case made, same:
		return false, errors.Join(ErrChanged, s.Job.Remove(to))
	default:
		return false, ErrNoLink // a copy that was made before; perhaps a power cut has spoilt it
	}
}

// Sync flushes the placed files to disk, if sync is enabled. If it fails, none of
// them may be published.
func (s *Batch) Sync() error {
	if !s.sync || len(s.placed) == 0 {
		return nil
	}
	dir, err := s.Job.Open(".")
	if err != nil {
		return fmt.Errorf("open stages: %w", err)
	}
	defer dir.Close() //nolint:errcheck // nothing was written through it
	if len(s.placed) == 1 {
		err = s.syncOne(s.placed[0])
	} else {
		err = syncAll(dir, func() error {
			var errs []error
			for _, name := range s.placed {
				errs = append(errs, s.syncOne(name))
			}
			return errors.Join(errs...)
		})
	}
	if err = errors.Join(err, SyncDir(dir)); err != nil {
		return fmt.Errorf("sync stages: %w", err)
	}
	return nil
}

// syncOne has one file on the disk, and the two folders that name it.
func (s *Batch) syncOne(name string) error {
	f, err := s.Job.Open(name)
	if err != nil {
		return err
	}
	err = errors.Join(syncFile(f), f.Close())
	for dir := path.Dir(name); dir != "." && err == nil; dir = path.Dir(dir) {
		d, oerr := s.Job.Open(dir)
		if oerr != nil {
			return oerr
		}
		err = errors.Join(SyncDir(d), d.Close())
	}
	return err
}

// Close removes what has no name.
func (s *Batch) Close() error {
	if s.Job == nil {
		return nil
	}
	for fingerprint := range s.files {
		s.Drop(fingerprint)
	}
	return s.Job.Close()
}
