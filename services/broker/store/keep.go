package store

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"spool.internal/events/atomicfile"
	"spool.internal/events/jet"
)

// Keeper keeps the note while the server runs. It is safe for concurrent use.
type Keeper struct {
	dataDir, dir string
	durable      bool // the server has synced whatever it has stored

	mu     sync.Mutex
	note   *note
	minor  map[string]uint64 // by stream: since the note, up to here, only what need not be known was written
	synced map[string]looks  // how blocks looked when they were synced, by file
}

// looks is by what one sees that a block was written to. The time alone would not do:
// clocks are set back.
type looks struct {
	size    int64
	changed time.Time
}

// NewKeeper goes on with the note that [Check] has read, or begins one. durable says
// that the server syncs each message before it acknowledges it; else the keeper syncs.
func NewKeeper(dataDir, dir string, durable bool) (*Keeper, error) {
	n, err := readNote(dataDir)
	if err != nil {
		return nil, err
	}
	if n == nil {
		n = &note{}
	}
	if n.Streams == nil {
		n.Streams = map[string]*known{}
	}
	return &Keeper{dataDir: dataDir, dir: dir, durable: durable, note: n, minor: map[string]uint64{}, synced: map[string]looks{}}, nil
}

// Note notes up to which sequence each stream is written, and how many jobs there are,
// if that is known. What is not synced yet it syncs first. When nothing is new but what is being done at
// this moment, or what minor says nobody misses, it does nothing: a disk sleeps on.
func (k *Keeper) Note(last map[string]uint64, jobs *JobsKnown, minor func(stream string, sequence uint64) bool) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	news := k.note.Durable != k.durable || k.note.Boot != boot() || !k.note.Closed && jobs != nil && (k.note.Jobs == nil || *k.note.Jobs != *jobs)
	for name, seq := range last {
		of := k.note.Streams[name]
		news = news || of == nil || of.Settings == "" || k.moved(name, of.Last, seq, minor)
	}
	if !news || k.note.Closed {
		return nil
	}
	return k.write(last, jobs)
}

// moved reports whether a stream has come from the noted sequence to seq by anything that is to be known.
// Only the next message is looked at: where more were written in a second, some of them are.
func (k *Keeper) moved(stream string, noted, seq uint64, minor func(string, uint64) bool) bool {
	if stream == jet.StateStream { // what is there is so for an hour at most
		return false
	}
	known := max(noted, k.minor[stream])
	if seq == known+1 && minor(stream, seq) {
		known = seq
		k.minor[stream] = seq
	}
	return seq != known
}

// Closed notes that the server has stopped in order, and which blocks there are.
func (k *Keeper) Closed(last map[string]uint64, jobs *JobsKnown) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.note.Closed {
		return nil
	}
	k.note.Closed = true
	return k.write(last, jobs)
}

func (k *Keeper) write(last map[string]uint64, jobs *JobsKnown) error {
	next := *k.note
	next.Durable, next.Boot = k.durable, boot()
	next.Written, next.Streams = time.Now().UTC(), maps.Clone(k.note.Streams)
	for name, seq := range last {
		of := known{Last: seq}
		if had := k.note.Streams[name]; had != nil {
			of.Settings = had.Settings
		}
		if settings := settingsOf(name, filepath.Join(k.dir, name)); settings != "" {
			of.Settings = settings
		}
		var err error
		if of.Blocks, err = k.blocks(name, next.Closed); err != nil {
			return fmt.Errorf("sync stream %s: %w", name, err)
		}
		next.Streams[name] = &of
	}
	if jobs != nil {
		next.Jobs = jobs
	}
	if err := next.write(k.dataDir); err != nil {
		return err
	}
	k.note = &next
	return nil
}

// blocks has what was written to a stream on the disk, and gives its blocks where the
// note is of a store that is closed. While a server runs that syncs by itself there is
// nothing to do, but that no note is written beside a stream whose folder is gone.
func (k *Keeper) blocks(stream string, closed bool) (blocks map[string]int64, err error) {
	if k.durable && !closed {
		_, err = os.Stat(filepath.Join(k.dir, stream, blocksDir))
	} else {
		blocks, err = k.sync(stream)
	}
	if !closed {
		blocks = nil
	}
	return blocks, err
}

// sync has what was written to a stream on the disk, and gives its blocks.
func (k *Keeper) sync(stream string) (map[string]int64, error) {
	dir := filepath.Join(k.dir, stream, blocksDir)
	list, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	blocks, wrote := map[string]int64{}, false
	for _, e := range list {
		if !strings.HasSuffix(e.Name(), blockEnding) {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // the server had no more use for it
		}
		if err != nil {
			return nil, err
		}
		blocks[e.Name()] = info.Size()
		file, now := filepath.Join(dir, e.Name()), looks{info.Size(), info.ModTime()}
		if k.durable || k.synced[file] == now {
			continue
		}
		if err := syncFile(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		k.synced[file], wrote = now, true
	}
	maps.DeleteFunc(k.synced, func(file string, _ looks) bool {
		_, there := blocks[filepath.Base(file)]
		return filepath.Dir(file) == dir && !there
	})
	if wrote {
		return blocks, atomicfile.SyncFolder(dir)
	}
	return blocks, nil
}

func syncFile(file string) error {
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
