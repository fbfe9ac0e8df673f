package cli

import (
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// progress is a bar on stderr, where that is a terminal.
type progress struct{ bar *progressbar.ProgressBar }

// progress begins a bar; total below 0 is a length that is not known.
func (s *session) progress(what string, total int64, bytes bool) *progress {
	return progressOn(s.err, what, total, bytes)
}

// Bar begins a bar of bytes for a command that has no session: add says that so many more are done, end
// takes it away. Where w is no terminal both do nothing.
func Bar(w io.Writer, what string, total int64) (add func(int64), end func()) {
	p := progressOn(w, what, total, true)
	return p.add, p.end
}

func progressOn(w io.Writer, what string, total int64, bytes bool) *progress {
	if !isTerminal(w) {
		return &progress{}
	}
	options := []progressbar.Option{
		progressbar.OptionSetWriter(w), progressbar.OptionSetDescription(clean(what)), progressbar.OptionThrottle(100 * time.Millisecond),
		progressbar.OptionClearOnFinish(), progressbar.OptionFullWidth(), progressbar.OptionShowCount(), progressbar.OptionUseANSICodes(false),
	}
	if bytes {
		options = append(options, progressbar.OptionShowBytes(true))
	}
	return &progress{progressbar.NewOptions64(total, options...)}
}

// add says that n more are done.
func (p *progress) add(n int64) {
	if p.bar != nil {
		_ = p.bar.Add64(n) // a terminal that went away
	}
}

// Write counts bytes, so that a progress can be read or written through.
func (p *progress) Write(b []byte) (int, error) {
	p.add(int64(len(b)))
	return len(b), nil
}

// end takes the bar away.
func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}
