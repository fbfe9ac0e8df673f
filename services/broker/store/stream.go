package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"spool.internal/events/jet"
	"spool.internal/events/sorting"
)

// The server's names.
const (
	blocksDir    = "msgs"
	newBlocksDir = "__new_msgs__" // takes the place of blocksDir in a purge of everything
	blockEnding  = ".blk"
	indexFile    = "index.db"
	consumersDir = "obs"
)

// stream is what lies in the folder of a stream.
type stream struct {
	name   string
	dir    string
	last   uint64           // sequence
	blocks map[string]int64 // size of each block by its name
	newest string           // of the blocks
	holes  []hole           // in the order of the blocks
	jobs   *jobs            // of JOBS alone

	inOrder bool // no power cut can have left a hole before something that can be read
}

// block is one file of messages.
type block struct {
	stream *stream
	index  int
	file   string

	size  int64
	last  uint64
	holes []hole
	jobs  *jobs
	err   error
}

// Folder is where the streams of an account lie.
func Folder(dataDir, account string) string {
	return filepath.Join(dataDir, "nats", "jetstream", account, "streams")
}

// readStreams looks through all streams.
func readStreams(dir string) (map[string]*stream, error) {
	all := map[string]*stream{}
	list, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the store: %w", err)
	}
	var blocks []*block
	for _, e := range list {
		if !e.IsDir() || strings.HasPrefix(e.Name(), ".") { // the server is about to delete that
			continue
		}
		s := &stream{name: e.Name(), dir: filepath.Join(dir, e.Name()), blocks: map[string]int64{}}
		all[s.name] = s
		more, err := s.list()
		if err != nil {
			return nil, fmt.Errorf("read stream %s: %w", s.name, err)
		}
		blocks = append(blocks, more...)
	}
	readBlocks(blocks)
	for _, b := range blocks {
		if b.err != nil {
			return nil, fmt.Errorf("read stream %s: %w", b.stream.name, b.err)
		}
		b.stream.add(b)
	}
	return all, nil
}

// blocksIn is the folder of the blocks that the server will go by.
func (s *stream) blocksIn() string {
	next := filepath.Join(s.dir, newBlocksDir)
	if found, _ := filepath.Glob(filepath.Join(next, "*"+blockEnding)); len(found) > 0 {
		return next
	}
	return filepath.Join(s.dir, blocksDir)
}

func (s *stream) list() ([]*block, error) {
	dir := s.blocksIn()
	list, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var blocks []*block
	for _, e := range list {
		number, ok := strings.CutSuffix(e.Name(), blockEnding)
		index, err := strconv.Atoi(number)
		if ok && err == nil {
			blocks = append(blocks, &block{stream: s, index: index, file: filepath.Join(dir, e.Name())})
		}
	}
	sorting.By(blocks, func(a, b *block) int { return a.index - b.index })
	if len(blocks) > 0 {
		s.newest = filepath.Base(blocks[len(blocks)-1].file)
	}
	return blocks, nil
}

// readBlocks reads as many at a time as there are processors.
func readBlocks(blocks []*block) {
	next := make(chan *block)
	var readers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		readers.Go(func() {
			for b := range next {
				b.read()
			}
		})
	}
	for _, b := range blocks {
		next <- b
	}
	close(next)
	readers.Wait()
}

func (b *block) read() {
	text, err := os.ReadFile(b.file)
	if err != nil {
		b.err = err
		return
	}
	each := func(record) {}
	if b.stream.name == jet.JobsStream {
		b.jobs = newJobs()
		each = b.jobs.take
	}
	b.size = int64(len(text))
	b.last, b.holes = readBlock(b.file, text, checksum(b.stream.name, b.index), each)
	if len(text) == 0 {
		b.holes = []hole{{block: b.file}} // no hole in the newest
	}
}

// add takes the next block of a stream in.
func (s *stream) add(b *block) {
	name := filepath.Base(b.file)
	s.blocks[name] = b.size
	for _, h := range b.holes {
		if h.size == 0 && name == s.newest {
			continue // made and not yet written to
		}
		h.after = max(h.after, s.last)
		s.holes = append(s.holes, h)
	}
	s.last = max(s.last, b.last)
	if b.jobs != nil {
		if s.jobs == nil {
			s.jobs = newJobs()
		}
		s.jobs.add(b.jobs)
	}
}

// torn reports that a hole is the end of the stream, as it is left by who was cut off
// while it wrote.
func (s *stream) torn(h hole) bool { return filepath.Base(h.block) == s.newest && h.to == h.size }
