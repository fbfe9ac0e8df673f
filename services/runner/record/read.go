package record

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"
)

// Reader reads the log of a run, which may grow meanwhile: what stands at a place in it stays.
type Reader struct{ file *os.File }

// OpenReader opens the log of a run, below the folder of all runs. The error is fs.ErrNotExist
// when there is none, also where the id is none of a run.
func OpenReader(dataDir, flowJobID string) (*Reader, error) {
	if id, err := uuid.Parse(flowJobID); err != nil || id.String() != flowJobID {
		return nil, fmt.Errorf("%q is no id of a run: %w", flowJobID, fs.ErrNotExist)
	}
	runs, err := os.OpenRoot(filepath.Join(dataDir, "runs"))
	if err != nil {
		return nil, err
	}
	defer runs.Close()
	name := filepath.Join(flowJobID, "run.log")
	info, err := runs.Lstat(name)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no file: %w", name, fs.ErrNotExist) // a pipe would hold up who opens it
	}
	if err != nil {
		return nil, err
	}
	file, err := runs.Open(name)
	if err != nil {
		return nil, err
	}
	return &Reader{file}, nil
}

// Close ends the reading.
func (r *Reader) Close() { _ = r.file.Close() }

// Stat gives how long the log is, and when it grew last.
func (r *Reader) Stat() (size int64, modified time.Time, err error) {
	info, err := r.file.Stat()
	if err != nil {
		return 0, time.Time{}, err
	}
	return info.Size(), info.ModTime(), nil
}

// At reads at most so many bytes from a place on; fewer only where the log ends.
func (r *Reader) At(offset int64, most int) ([]byte, error) {
	text := make([]byte, most)
	n, err := r.file.ReadAt(text, offset)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return text[:n], err
}

// block is how much is read at a time to find the last lines.
const block = 64 << 10

// Last gives where the last n lines begin of the first size bytes.
func (r *Reader) Last(n, size int64) (offset int64, err error) {
	end := size
	for end > 0 {
		begin := max(0, end-block)
		text, err := r.At(begin, int(end-begin))
		if err != nil {
			return 0, err
		}
		if end == size { // the end of the last line begins no other
			text = bytes.TrimSuffix(text, []byte("\n"))
		}
		if at := lastLines(text, &n); at >= 0 {
			return begin + int64(at), nil
		}
		end = begin
	}
	return 0, nil
}

// LineAt gives the number of the line, from 1, that a place is in.
func (r *Reader) LineAt(offset int64) (number int64, err error) {
	number = 1
	text := make([]byte, block)
	for at := int64(0); at < offset; {
		n, err := r.file.ReadAt(text[:min(block, offset-at)], at)
		if n == 0 && err != nil {
			return 0, err
		}
		number, at = number+int64(bytes.Count(text[:n], []byte("\n"))), at+int64(n)
	}
	return number, nil
}

// lastLines finds where the last *n lines of a text begin, -1 where it holds fewer: *n is then
// how many are left.
func lastLines(text []byte, n *int64) int {
	for at := len(text); ; *n-- {
		if at = bytes.LastIndexByte(text[:at], '\n'); at < 0 {
			return -1
		}
		if *n == 1 {
			return at + 1
		}
	}
}
