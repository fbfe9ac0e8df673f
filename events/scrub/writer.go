package scrub

import (
	"bytes"
	"io"

	"spool.internal/events"
)

// Writer masks secrets in what is written through it, as they are, in hexadecimal
// digits and in base64, wherever one write ends and the next begins. Only what may
// be the beginning of a secret is held back. It is not safe for concurrent use.
type Writer struct {
	secrets *Scrubber
	to      io.Writer
	held    []byte
}

// Writer makes one; a nil Scrubber masks nothing.
func (s *Scrubber) Writer(to io.Writer) *Writer { return &Writer{secrets: s, to: to} }

// Write never takes less than all.
func (w *Writer) Write(p []byte) (int, error) {
	if w.secrets == nil {
		return w.to.Write(p)
	}
	text := append(w.held, p...)
	w.held = nil
	var out []byte
	for len(text) > 0 {
		at, length := w.secrets.first(text)
		if at < 0 {
			keep := w.secrets.partial(text)
			out, w.held = append(out, text[:len(text)-keep]...), bytes.Clone(text[len(text)-keep:])
			break
		}
		out, text = append(append(out, text[:at]...), events.Mask...), text[at+length:]
	}
	if len(out) > 0 {
		if _, err := w.to.Write(out); err != nil {
			return len(p), err
		}
	}
	return len(p), nil
}

// Flush writes what was held back: nothing follows it.
func (w *Writer) Flush() error {
	held := w.held
	w.held = nil
	if len(held) == 0 {
		return nil
	}
	_, err := w.to.Write(held)
	return err
}

// first gives where the first secret stands, and its length; of two at one place the longest.
func (s *Scrubber) first(text []byte) (at, length int) {
	at = -1
	for _, n := range s.needles {
		if i := bytes.Index(text, n); i >= 0 && (at < 0 || i < at) {
			at, length = i, len(n)
		}
	}
	return at, length
}

// partial gives the length of what may be the beginning of a secret at the end of a text.
func (s *Scrubber) partial(text []byte) int {
	longest := 0
	for _, n := range s.needles {
		for size := min(len(n)-1, len(text)); size > longest; size-- {
			if n[0] == text[len(text)-size] && bytes.HasSuffix(text, n[:size]) {
				longest = size
				break
			}
		}
	}
	return longest
}
