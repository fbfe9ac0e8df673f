package stage

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/events/reserve"
	"spool.internal/watcher/settle"
)

// Options of a batch.
type Options struct {
	JobID   string
	Sync    bool             // Sync flushes the stages to disk
	Links   *Links           // nil: files are copied
	Reserve *reserve.Reserve // room that is kept free; nil: none
	Leased  func()           // called when a file is leased, before it is copied; nil: nobody asks
}

// File is one file to be staged.
type File struct {
	Name        string
	Fingerprint string
	Stat        settle.Stat // what the fingerprint stands for
	Lease       bool        // copy it under a read lease
}

// Staged is where a file was put.
type Staged struct {
	Fingerprint string
	InputDir    string // the logical folder that holds it alone
	Linked      bool   // it is a hard link
	At          time.Time
}

// Batch stages the files of one batch: Add each, Drop those that are not to run, Sync, Close. See the package comment
// for what it guarantees.
type Batch struct {
	o      Options
	from   *Folder           // the folder of the files
	job    *os.Root          // <drive>/.spool/<job_id>, opened with the first file
	dir    *os.File          // the same
	nonce  string            // in the names of its stages: nobody else builds there
	files  map[string]string // by fingerprint: the names of the files that are staged
	noLink error             // why links were given up
	buffer []byte            // for small files
	copied int64             // bytes since it was asked whether there is room
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
	return &Batch{o: o, from: from, nonce: rand.Text()[:8], files: map[string]string{}, copied: roomEvery}
}

// Add opens a file, leases it if asked to, and puts it into a stage of its own. The error is one of those of
// [Folder.OpenFile], or of the drive; then nothing is left of the stage.
func (s *Batch) Add(ctx context.Context, f File) (Staged, error) {
	s.from.activity.Touch()
	if err := s.open(); err != nil {
		return Staged{}, err
	}
	if err := s.room(f.Stat.Size); err != nil {
		return Staged{}, err
	}
	src, err := s.from.OpenFile(f.Name, f.Stat, f.Lease)
	if err != nil {
		return Staged{}, err
	}
	if f.Lease && s.o.Leased != nil {
		s.o.Leased()
	}
	src.buffer = s.buffer
	linked, err := s.fill(ctx, f, src)
	s.buffer = src.buffer
	if err = errors.Join(err, src.Close()); err != nil {
		return Staged{}, fmt.Errorf("stage %s: %w", f.Name, err)
	}
	return Staged{f.Fingerprint, InputDir(s.from.Base, s.o.JobID, s.folder(f.Fingerprint)), linked, time.Now()}, nil
}

// folder is the name of the stage of a file.
func (s *Batch) folder(fingerprint string) string { return fingerprint + nonceMark + s.nonce }

// roomEvery is how many bytes are copied before it is asked again whether there is room.
const roomEvery = 1 << 20

// room says why there is no room for another file.
func (s *Batch) room(size int64) error {
	if s.copied += size; s.copied < roomEvery {
		return nil
	}
	s.copied = 0
	return s.o.Reserve.Short(s.job.Stat("."))
}

// open opens the folder of the job's stages, and makes it if need be.
func (s *Batch) open() error {
	if s.job != nil {
		return nil
	}
	job, err := s.from.Drives.Create(s.from.Base.Join(events.StageRoot, s.o.JobID))
	if err == nil {
		s.job = job
		s.dir, err = job.Open(".")
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrStages, err)
	}
	return nil
}

// fill makes a stage and puts a file into it.
func (s *Batch) fill(ctx context.Context, f File, src *Source) (linked bool, err error) {
	if err := s.job.Mkdir(s.folder(f.Fingerprint), 0o755); err != nil {
		return false, fmt.Errorf("make stage: %w", err)
	}
	s.files[f.Fingerprint] = f.Name
	if linked, err = s.put(ctx, f, src); err != nil {
		s.remove(f.Fingerprint)
	}
	return linked, err
}

// Drop removes a stage that no trigger refers to, unless another batch has built it.
func (s *Batch) Drop(d Staged) {
	if d.InputDir == InputDir(s.from.Base, s.o.JobID, s.folder(d.Fingerprint)) {
		s.remove(d.Fingerprint)
	}
}

func (s *Batch) remove(fingerprint string) {
	if _, ok := s.files[fingerprint]; ok {
		_ = s.job.RemoveAll(s.folder(fingerprint)) // the janitor removes one that stays
		delete(s.files, fingerprint)
	}
}

// NoLink returns why the batch has given up linking, or nil.
func (s *Batch) NoLink() error { return s.noLink }

// put puts an open file into its stage: as a copy, or where links are asked for as one that shares its blocks, else as a
// link. Where links cannot be made, the files that follow are copied too.
func (s *Batch) put(ctx context.Context, f File, src *Source) (linked bool, err error) {
	copied := func() (bool, error) {
		return false, s.build(f, src, func(dst *os.File) error { return src.CopyTo(ctx, dst) })
	}
	links := s.o.Links.of(src.stat.Size)
	if links == nil {
		return copied()
	}
	if _, none := links.noClones.Load(src.stat.Device); !none {
		if err := s.build(f, src, src.cloneTo); !errors.Is(err, ErrNoClone) {
			return false, err
		}
		links.noClones.Store(src.stat.Device, true)
		if err := s.job.Remove(path.Join(s.folder(f.Fingerprint), f.Name)); err != nil {
			return false, err
		}
	}
	if err = s.link(f, src.stat); errors.Is(err, errNoLink) {
		s.o.Links, s.noLink = nil, err
		return copied()
	}
	return err == nil, err
}

// build makes a file in its stage, and fills it.
func (s *Batch) build(f File, src *Source, fill func(dst *os.File) error) error {
	dst, err := create(s.job, s.dir, path.Join(s.folder(f.Fingerprint), f.Name), src.stat.Perm|0o400)
	if err != nil {
		return err
	}
	return errors.Join(fill(dst), dst.Close())
}

// errNoLink says that a file can only be copied.
var errNoLink = errors.New("the file cannot be linked")

// link links a file into its stage, if it is still the one that was opened.
func (s *Batch) link(f File, opened Stat) error {
	dir, err := s.job.OpenRoot(s.folder(f.Fingerprint))
	if err != nil {
		return err
	}
	defer dir.Close() //nolint:errcheck // nothing was written through it
	switch err := drive.Link(s.from.Root, f.Name, dir, f.Name); {
	case errors.Is(err, os.ErrNotExist):
		return ErrChanged
	case err != nil:
		return fmt.Errorf("%w: %w", errNoLink, err)
	}
	there, err := statIn(dir, f.Name)
	there.Changed = opened.Changed // the link has changed that
	if err == nil && (!there.Regular || there.Stat != opened.Stat) {
		err = ErrChanged
	}
	return err
}

// Sync flushes the stages to disk, if that is asked for. If it fails, none of them is left.
func (s *Batch) Sync() (err error) {
	if !s.o.Sync {
		return nil
	}
	if len(s.files) > 1 {
		err = syncAll(s.dir, s.syncEach)
	} else {
		err = s.syncEach()
	}
	if err == nil {
		return nil
	}
	for fingerprint := range s.files {
		s.remove(fingerprint)
	}
	return fmt.Errorf("sync stages: %w", err)
}

// syncEach flushes each file and the folders that name it. These go together: a journal is written once for them.
func (s *Batch) syncEach() error {
	for fingerprint, name := range s.files {
		var errs [3]error
		var all sync.WaitGroup
		for i, p := range []string{path.Join(s.folder(fingerprint), name), s.folder(fingerprint), "."} {
			all.Go(func() { errs[i] = s.syncOne(p) })
		}
		all.Wait()
		if err := errors.Join(errs[:]...); err != nil {
			return err
		}
	}
	return nil
}

func (s *Batch) syncOne(name string) error {
	f, err := s.job.Open(name)
	if err != nil {
		return err
	}
	if info, serr := f.Stat(); serr == nil && info.IsDir() {
		err = SyncDir(f)
	} else {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// Close closes the folder. Stages that were added and not dropped stay.
func (s *Batch) Close() error {
	if s.job == nil {
		return nil
	}
	if s.dir == nil {
		return s.job.Close()
	}
	return errors.Join(s.dir.Close(), s.job.Close())
}
