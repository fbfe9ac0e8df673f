package record

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// How much of what the attempts of a run print is kept in its log, in bytes:
// the first that fits, and the last of each attempt.
const (
	MaxHead = 15 << 20
	MaxLast = 1 << 20
)

// MaxTail is how much of what it prints the end of a run quotes, in bytes.
const MaxTail = 1024

// checkEvery is how often the log asks whether the disk has room.
const checkEvery = time.Second

// Log is the log of one run: what its attempts print. Write never fails: what has no room is
// counted and dropped. Its methods are safe for concurrent use.
type Log struct {
	file *os.File

	mu      sync.Mutex
	room    int64  // bytes that may still be added to the head
	printed int64  // bytes that this attempt has written
	kept    int64  // of those, the ones in the file
	last    []byte // the last of them; a ring once it is full
	at      int    // where the ring begins
	fault   error  // why the file takes no more
	closed  bool

	more   chan struct{} // closed when the log changes; nil = nobody waits
	short  func() error  // why the disk takes no more now; nil = it is not asked
	looked time.Time
}

// OpenLog opens the log of a run for an attempt. Attempts follow each other in one file; a line
// names each but the first. Once short, which may be nil, returns an error, the log takes no more.
func OpenLog(dir Folder, attempt int, short func() error) (*Log, error) {
	if info, err := dir.Root.Lstat("run.log"); err == nil && !info.Mode().IsRegular() {
		_ = dir.Root.RemoveAll("run.log") // no log of ours; when it stays, the next step says so
	}
	file, err := dir.Root.OpenFile("run.log", os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	l, err := newLog(file, attempt)
	if err == nil {
		l.short = short
	}
	return l, err
}

func newLog(file *os.File, attempt int) (*Log, error) {
	l := &Log{file: file}
	before, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	l.room = max(MaxHead-before, MaxLast) // of each attempt something is kept
	if attempt > 1 {
		l.Note("attempt %d, %s", attempt, time.Now().UTC().Format(time.RFC3339))
	}
	return l, nil
}

// Note adds a line of Spool's own.
func (l *Log) Note(format string, args ...any) {
	if l.fault == nil {
		_, l.fault = fmt.Fprintf(l.file, "--- "+format+" ---\n", args...)
	}
}

// Write takes what the flow prints.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.printed += int64(len(p))
	if l.short != nil && l.fault == nil && time.Since(l.looked) > checkEvery {
		l.looked, l.fault = time.Now(), l.short()
	}
	if fits := min(int64(len(p)), l.room); fits > 0 && l.fault == nil {
		n, err := l.file.Write(p[:fits])
		l.room, l.kept = l.room-fits, l.kept+int64(n)
		l.fault = err
	}
	l.remember(p)
	l.changed()
	return len(p), nil
}

func (l *Log) remember(p []byte) {
	p = p[max(0, len(p)-MaxLast):]
	if free := MaxLast - len(l.last); free > 0 {
		n := min(free, len(p))
		l.last, p = append(l.last, p[:n]...), p[n:]
	}
	for len(p) > 0 {
		n := copy(l.last[l.at:], p)
		l.at, p = (l.at+n)%MaxLast, p[n:]
	}
}

// ending gives the last n bytes that were printed, or fewer.
func (l *Log) ending(n int64) []byte {
	all := append(l.last[l.at:len(l.last):len(l.last)], l.last[:l.at]...)
	return all[max(0, int64(len(all))-n):]
}

// Close completes the file and returns what is missing in it, or nil. Only the first call does
// anything.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	defer l.changed()
	var missing error
	if rest := l.printed - l.kept; rest > 0 && l.fault == nil {
		ending := l.ending(rest)
		if lost := rest - int64(len(ending)); lost > 0 {
			missing = fmt.Errorf("run.log leaves out %d of the %d bytes printed", lost, l.printed)
			l.Note("%d bytes are left out here", lost)
		}
		if l.fault == nil {
			_, l.fault = l.file.Write(ending)
		}
	}
	if l.fault != nil {
		cause := l.fault
		if p, ok := errors.AsType[*os.PathError](cause); ok {
			cause = p.Err // the path is the run's
		}
		missing = fmt.Errorf("run.log is incomplete: %w", cause)
	}
	_ = l.file.Close() // what flows print is theirs to make durable
	return missing
}

// LastLines gives the last n bytes that this attempt printed.
func (l *Log) LastLines(n int64) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.ToValidUTF8(string(l.ending(n)), "")
}

// Tail gives the last lines that this attempt printed, for a message.
func (l *Log) Tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	said := strings.ToValidUTF8(string(l.ending(MaxTail)), "")
	if l.printed > MaxTail { // not in the middle of a line, unless there is only one
		if _, rest, ok := strings.Cut(said, "\n"); ok && strings.TrimSpace(rest) != "" {
			said = rest
		}
	}
	return strings.TrimSpace(said)
}
