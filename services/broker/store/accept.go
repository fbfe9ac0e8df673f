package store

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"spool.internal/events/atomicfile"
	"spool.internal/events/jet"
)

// damagedDir is where copies of damaged files go, in the data folder.
const damagedDir = "damaged"

// Look gives what the streams in dir have lost, in words, and changes nothing.
func Look(dataDir, dir string, shared bool) (lost []string, err error) {
	f, err := inspect(dataDir, dir, shared)
	if err != nil {
		return nil, err
	}
	return f.lost(), nil
}

// AcceptLoss takes out of the streams in dir what cannot be read, so that everything
// else can be, and notes what is there now as what is to be there: the next start
// accepts just that. Damaged files are copied first, to kept. The server must not run.
func AcceptLoss(dataDir, dir string) (lost []string, kept string, err error) {
	f, err := inspect(dataDir, dir, false)
	if err != nil {
		return nil, "", err
	}
	if lost = f.lost(); len(lost) == 0 {
		return nil, "", nil
	}
	now := time.Now().UTC()
	kept = filepath.Join(dataDir, damagedDir, now.Format("20060102T150405Z"))
	if f.note == nil {
		f.note = &note{Streams: map[string]*known{}}
	}
	f.note.Accepted = append(f.note.Accepted, Acceptance{At: now, Lost: lost, Kept: kept})
	if err := f.note.write(dataDir); err != nil { // a start must not find half of it
		return nil, "", err
	}
	for name, k := range f.note.Streams {
		if f.streams[name] == nil {
			f.streams[name] = &stream{name: name, dir: filepath.Join(dir, name), blocks: map[string]int64{}}
			if k.Settings == "" {
				delete(f.note.Streams, name) // it is made anew
				delete(f.streams, name)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(f.streams)) {
		if err := f.streams[name].cut(f.note.of(name), filepath.Join(kept, name), now); err != nil {
			return nil, "", fmt.Errorf("stream %s: %w", name, err)
		}
	}
	for i := range f.note.Accepted {
		f.note.Accepted[i].Done = true
	}
	return lost, kept, f.renote(now)
}

// PutAside takes away the whole copy of what other machines store, too, and what is known of it: the
// server then fetches everything from them. The server must not run.
func PutAside(dataDir string) (kept string, err error) {
	kept = filepath.Join(dataDir, damagedDir, time.Now().UTC().Format("20060102T150405Z"))
	if err := os.MkdirAll(kept, 0o700); err != nil {
		return "", err
	}
	from := filepath.Join(dataDir, "nats", "jetstream")
	if err := os.Rename(from, filepath.Join(kept, "jetstream")); err != nil {
		return "", err
	}
	if err := os.Remove(filepath.Join(dataDir, noteFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	return kept, errors.Join(atomicfile.SyncFolder(kept), atomicfile.SyncFolder(dataDir))
}

// renote notes what is there now.
func (f *findings) renote(now time.Time) error {
	streams, err := readStreams(f.dir)
	if err != nil {
		return err
	}
	for name, s := range streams {
		k := f.note.Streams[name]
		if k == nil {
			k = &known{}
			f.note.Streams[name] = k
		}
		k.Last, k.Blocks = s.last, s.blocks
	}
	f.note.Jobs = nil
	if s := streams[jet.JobsStream]; s != nil && s.jobs != nil {
		live := s.jobs.live()
		f.note.Jobs = &live
	}
	f.note.Written, f.note.Closed = now, true
	return f.note.write(f.dataDir)
}

// cut leaves of the blocks what can be read. Where the end is lost a marker keeps
// sequences from being given out again.
func (s *stream) cut(k *known, kept string, now time.Time) error {
	if err := s.settle(k, kept); err != nil {
		return err
	}
	of := map[string][]hole{}
	for _, h := range s.holes {
		of[h.block] = append(of[h.block], h)
	}
	for file, holes := range of {
		if err := copyTo(kept, file); err != nil {
			return err
		}
		if err := cutBlock(file, holes); err != nil {
			return err
		}
	}
	for block, size := range s.blocks {
		if size > 0 {
			continue
		}
		if err := os.Remove(filepath.Join(s.blocksIn(), block)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	if k != nil && s.last < k.Last {
		number, _ := strconv.Atoi(strings.TrimSuffix(s.newest, blockEnding)) // no block yet: 0
		next := number + 1
		file := filepath.Join(s.blocksIn(), strconv.Itoa(next)+blockEnding)
		if err := atomicfile.Write(file, marker(s.name, next, k.Last, now.UnixNano()), 0o640); err != nil {
			return err
		}
	}
	// It tells of what was there, and the server believes it.
	if err := os.Remove(filepath.Join(s.blocksIn(), indexFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := atomicfile.SyncFolder(s.blocksIn()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// settle gives the stream settings with which the server opens it. Where there are none
// at all it makes them anew, and finds the blocks.
func (s *stream) settle(k *known, kept string) error {
	if settingsOf(s.name, s.dir) != "" {
		return nil
	}
	if former := s.former(k); former != "" {
		return writeSettings(s.name, s.dir, former)
	}
	for _, file := range []string{settingsFile, settingsSum} {
		file = filepath.Join(s.dir, file)
		if err := copyTo(kept, file); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

func copyTo(dir, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(dir, filepath.Base(file)), text, 0o600)
}

// cutBlock writes a block anew without its holes; one in which nothing is left goes.
func cutBlock(file string, holes []hole) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var whole []byte
	at := 0
	for _, h := range holes {
		whole, at = append(whole, text[at:h.from]...), h.to
	}
	whole = append(whole, text[at:]...)
	if len(whole) == 0 {
		return os.Remove(file)
	}
	return atomicfile.Write(file, whole, 0o640)
}
