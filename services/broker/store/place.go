package store

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Place watches that the folders which the server writes to are those that it was
// started with. It reads names only, and little: some dozens of calls a look. It is for
// one goroutine.
type Place struct {
	folders []folder
	streams []*blocksSeen
	live    Live
}

// Live reports whether a stream holds a message of a sequence from first up to below.
// below 0 is no end.
type Live func(stream string, first, below uint64) bool

// folder is one that has to stay what it is. It is held open, so that no other can be
// given its number.
type folder struct {
	path string
	what string
	held *os.File
	info os.FileInfo
}

// blocksSeen are the blocks of a stream at the last look.
type blocksSeen struct {
	stream  string
	dir     string
	changed time.Time         // of the folder
	first   map[string]uint64 // by name of the block: its first message; 0 = none yet
	without int               // looks in which the folder was not there
	short   bool              // a block was missing at the last look
}

// NewPlace begins to watch the data folder, that of the server, and those of the
// streams in dir.
func NewPlace(dataDir, dir string, live Live) (*Place, error) {
	p := &Place{live: live}
	list, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("watch the store: %w", err)
	}
	err = p.hold(dataDir, "the data folder")
	for d := dir; d != dataDir && err == nil && len(d) > len(dataDir); d = filepath.Dir(d) {
		err = p.hold(d, "the store")
	}
	for _, e := range list {
		if err == nil && e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			of := filepath.Join(dir, e.Name())
			err = p.hold(of, "stream "+e.Name())
			p.streams = append(p.streams, &blocksSeen{stream: e.Name(), dir: filepath.Join(of, blocksDir), first: map[string]uint64{}})
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("watch the store: %w", err), p.Close())
	}
	return p, nil
}

// NewFolder begins to watch a data folder, and folders in it that hold the store, whose streams may come
// and go.
func NewFolder(dataDir string, store ...string) (*Place, error) {
	p := &Place{}
	err := p.hold(dataDir, "the data folder")
	for _, of := range store {
		if err == nil {
			err = p.hold(filepath.Join(dataDir, of), "the store")
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("watch the data folder: %w", err), p.Close())
	}
	return p, nil
}

func (p *Place) hold(path, what string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	p.folders = append(p.folders, folder{path, what, f, info})
	return err
}

// Close lets go of the folders.
func (p *Place) Close() error {
	var errs []error
	for _, f := range p.folders {
		errs = append(errs, f.held.Close())
	}
	p.folders = nil
	return errors.Join(errs...)
}

// Look says what was taken away since the last look, or put in its place; nil = nothing.
func (p *Place) Look() error {
	for _, f := range p.folders {
		now, err := os.Stat(f.path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("%s is gone: %s was removed, renamed or unmounted", f.what, f.path)
		case err == nil && !os.SameFile(now, f.info):
			return fmt.Errorf("%s was replaced: %s is another folder than before, as after a mount, an unmount or a restore", f.what, f.path)
		}
		// Any other error says nothing about the folder.
	}
	for _, s := range p.streams {
		if err := s.look(p.live); err != nil {
			return err
		}
	}
	return nil
}

// lookedFor is in how many looks the folder of blocks is missing before it is gone: in a
// purge of everything the server puts another in its place.
const lookedFor = 3

// look finds out whether blocks went that the server has not taken out itself: those
// in which it knows of messages.
func (s *blocksSeen) look(live Live) error {
	info, err := os.Stat(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		if s.without++; s.without >= lookedFor {
			return fmt.Errorf("stream %s is gone: %s was removed or renamed", s.stream, s.dir)
		}
		return nil
	}
	if err != nil {
		return nil //nolint:nilerr // it says nothing about the blocks
	}
	s.without = 0
	if info.ModTime().Equal(s.changed) && !s.begun() {
		return nil
	}
	list, err := os.ReadDir(s.dir)
	if err != nil {
		return nil //nolint:nilerr // nor does this
	}
	now := map[string]uint64{}
	for _, e := range list {
		if !strings.HasSuffix(e.Name(), blockEnding) {
			continue
		}
		first := s.first[e.Name()]
		if first == 0 {
			first = firstIn(filepath.Join(s.dir, e.Name()))
		}
		now[e.Name()] = first
	}
	for _, name := range slices.Sorted(maps.Keys(s.first)) {
		if _, there := now[name]; there || s.first[name] == 0 {
			continue
		}
		if !live(s.stream, s.first[name], s.next(s.first[name], now)) {
			continue
		}
		if !s.short { // the next block may just have got its first message
			s.short, s.changed = true, time.Time{}
			return nil
		}
		return fmt.Errorf("a part of stream %s is gone: %s was removed", s.stream, filepath.Join(s.dir, name))
	}
	s.changed, s.first, s.short = info.ModTime(), now, false
	return nil
}

// begun reports whether a block may have got its first message. Most streams of a Spool that has little to do have
// an empty one.
func (s *blocksSeen) begun() bool {
	for name, first := range s.first {
		if first != 0 {
			continue
		}
		if info, err := os.Stat(filepath.Join(s.dir, name)); err != nil || info.Size() > 0 {
			return true
		}
	}
	return false
}

// next is where the block after the one begins that begins with first.
func (s *blocksSeen) next(first uint64, now map[string]uint64) (next uint64) {
	for _, of := range []map[string]uint64{s.first, now} {
		for _, other := range of {
			if other > first && (next == 0 || other < next) {
				next = other
			}
		}
	}
	return next
}

// firstIn is the sequence of the first message in a block, as far as one can tell from
// its beginning.
func firstIn(file string) uint64 {
	f, err := os.Open(file)
	if err != nil {
		return 0
	}
	defer f.Close() //nolint:errcheck // was only read
	text := make([]byte, 64<<10)
	n, _ := f.ReadAt(text, 0) // fewer is fine
	return firstOf(text[:n])
}
