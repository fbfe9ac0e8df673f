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
	"spool.internal/events/reserve"
	"spool.internal/watcher/settle"
)

// errNoLink says that a file can only be copied.
var errNoLink = errors.New("the file cannot be linked")

// Options of a batch.
type Options struct {
	JobID   string
	Sync    bool             // flush the placed files to disk
	Links   *Links           // nil: files are copied
	Reserve *reserve.Reserve // room that is kept free; nil: none
}

// File is one file to be staged.
type File struct {
	Name        string
	Fingerprint string
	Stat        settle.Stat // what the fingerprint stands for
	Lease       bool        // copy it under a read lease
}

// Batch stages the files of one batch: Add each, Place each, Sync, Close. See the package comment for what it guarantees.
type Batch struct {
	o      Options
	from   *Folder         // the folder of the files
	job    *os.Root        // <drive>/.spool/<job_id>, opened with the first file
	nonce  string          // of the temporary names
	files  map[string]item // by fingerprint; those that have no name yet
	placed []string        // paths of those that have one
	noLink error           // why links were given up
}

// item is a file on its way into its stage.
type item struct {
	File
	copied bool // it is whole under its temporary name
}

// Links says which files may be linked, and remembers the devices whose file systems share no blocks, so that a link
// is what is left there. It is safe for concurrent use.
type Links struct {
	Above    int64 // files of more bytes
	noClones sync.Map
}

// of returns the links for a file of so many bytes, or nil where it is to be copied.
func (l *Links) of(size int64) *Links {
	if l == nil || size <= l.Above {
		return nil
	}
	return l
}

// NewBatch makes a batch of files of one folder.
func NewBatch(from *Folder, o Options) *Batch {
	return &Batch{o: o, from: from, nonce: rand.Text()[:10], files: map[string]item{}}
}

func (s *Batch) temporary(fingerprint string) string { return "." + fingerprint + "." + s.nonce }

// Add opens a file, leases it if asked to, and copies it; or it only notes what is to be linked. The error is one of
// those of [Folder.OpenFile], or of the drive.
func (s *Batch) Add(ctx context.Context, f File) error {
	s.from.activity.Touch()
	if err := s.open(); err != nil {
		return err
	}
	if err := s.o.Reserve.Short(s.job.Stat(".")); err != nil {
		return err
	}
	src, err := s.from.OpenFile(f.Name, f.Stat, f.Lease)
	if err != nil {
		return err
	}
	return errors.Join(s.copyIn(ctx, f, src), src.Close())
}

// Drop takes back a file that was added and has no name yet.
func (s *Batch) Drop(fingerprint string) {
	if s.files[fingerprint].copied {
		_ = s.job.Remove(s.temporary(fingerprint)) // the janitor removes one that stays
	}
	delete(s.files, fingerprint)
}

// open opens the folder of the job's stages, and makes it if need be.
func (s *Batch) open() error {
	if s.job != nil {
		return nil
	}
	job, err := s.from.Drives.Create(s.from.Base.Join(events.StageRoot, s.o.JobID))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrStages, err)
	}
	s.job = job
	return nil
}

// Place gives a file its name in its stage, and reports whether it is a link. A file of another watcher that is there
// already has the same content: a copy replaces it, a link leaves it there. A file that cannot be linked is copied after
// all, as are those after it ([Batch.NoLink]). The error is one of those of Add.
func (s *Batch) Place(ctx context.Context, fingerprint string) (linked bool, err error) {
	s.from.activity.Touch()
	f := s.files[fingerprint]
	in := path.Join(fingerprint, "input")
	for _, dir := range []string{fingerprint, in} {
		if err := s.job.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return false, fmt.Errorf("make stage: %w", err)
		}
	}
	to := path.Join(in, f.Name)
	if !f.copied {
		if linked, err = s.linkTo(in, f); errors.Is(err, errNoLink) {
			s.o.Links, s.noLink = nil, err
			err = s.Add(ctx, f.File)
		}
	}
	if err == nil && !linked {
		err = s.job.Rename(s.temporary(fingerprint), to)
	}
	if err != nil {
		return false, fmt.Errorf("name the stage of %s: %w", f.Name, err)
	}
	delete(s.files, fingerprint)
	s.placed = append(s.placed, to)
	return linked, nil
}

// NoLink returns why the batch has given up linking, or nil.
func (s *Batch) NoLink() error { return s.noLink }

// linkTo makes a link to a file in the folder in, if the file is still the one that was added.
func (s *Batch) linkTo(in string, f item) (linked bool, err error) {
	dir, err := s.job.OpenRoot(in)
	if err != nil {
		return false, err
	}
	defer dir.Close() //nolint:errcheck // nothing was written through it
	to := path.Join(in, f.Name)
	err = drive.Link(s.from.Root, f.Name, dir, f.Name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, ErrChanged
	case err != nil && !errors.Is(err, fs.ErrExist):
		return false, fmt.Errorf("%w: %w", errNoLink, err)
	}
	made := err == nil
	there, err := statIn(s.job, to)
	if err != nil {
		return false, err
	}
	same := there.Regular && there.Inode == f.Stat.Inode && there.Birth == f.Stat.Birth
	switch {
	case same && there.Size == f.Stat.Size && there.Modified == f.Stat.Modified:
		if !made { // or the janitor would take it for one that was given up
			now := time.Now()
			err = s.job.Chtimes(in, now, now)
		}
		return true, err
	case made, same:
		return false, errors.Join(ErrChanged, s.job.Remove(to))
	default:
		return false, errNoLink // a copy that was made before; perhaps a power cut has spoilt it
	}
}

// Sync flushes the placed files to disk, if sync is enabled. If it fails, none of
// them may be published.
func (s *Batch) Sync() error {
	if !s.o.Sync || len(s.placed) == 0 {
		return nil
	}
	dir, err := s.job.Open(".")
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

// syncOne flushes one file to disk, and the two folders that name it.
func (s *Batch) syncOne(name string) error {
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
		err = errors.Join(SyncDir(d), d.Close())
	}
	return err
}

// Close removes the files that have no name, and closes the folder.
func (s *Batch) Close() error {
	if s.job == nil {
		return nil
	}
	for fingerprint := range s.files {
		s.Drop(fingerprint)
	}
	return s.job.Close()
}
