package runner

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// maxTail is how much of a log the end of a run quotes, in bytes.
const maxTail = 1024

// runLog is what the attempts of one run print.
type runLog struct {
	file *os.File
	from int64 // where the output of this attempt begins
}

// openLog opens the log of a run for an attempt. Attempts follow each other in
// one file; a line names each but the first.
func openLog(dataDir, flowJobID string, attempt int) (*runLog, error) {
	dir := filepath.Join(dataDir, "runs", flowJobID)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(dir, "run.log"), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	if attempt > 1 {
		_, err = fmt.Fprintf(file, "--- attempt %d, %s ---\n", attempt, time.Now().UTC().Format(time.RFC3339))
	}
	l := &runLog{file: file}
	if err == nil {
		l.from, err = file.Seek(0, io.SeekEnd)
	}
	if err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (l *runLog) close() { _ = l.file.Close() } // what flows print is theirs to make durable

// tail gives the last lines that this attempt printed; a log that cannot be read says nothing.
func (l *runLog) tail() string {
	info, err := l.file.Stat()
	if err != nil {
		return ""
	}
	from := max(l.from, info.Size()-maxTail)
	text := make([]byte, max(0, min(maxTail, info.Size()-from)))
	n, _ := l.file.ReadAt(text, from)
	said := strings.ToValidUTF8(string(text[:n]), "")
	if from > l.from { // not in the middle of a line, unless there is only one
		if _, rest, ok := strings.Cut(said, "\n"); ok && strings.TrimSpace(rest) != "" {
			said = rest
		}
	}
	return strings.TrimSpace(said)
}
