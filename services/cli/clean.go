package cli

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// unsafeRune reports what could move the cursor, change colours or the order of a line: the
// control characters of both sets, and those that turn the direction of text.
func unsafeRune(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == '\ufeff' ||
		r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' || r == '\u200e' || r == '\u200f' || r == '\u061c'
}

// clean returns a text that is one line on any terminal: what is unsafe is spelled out.
func clean(text string) string {
	if utf8.ValidString(text) && strings.IndexFunc(text, unsafeRune) < 0 {
		return text
	}
	var b strings.Builder
	for i, r := range text {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], string(utf8.RuneError)):
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case unsafeRune(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// cleanLines is clean for a text of several lines, which stay lines; tabs stay, too.
func cleanLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		cells := strings.Split(strings.TrimSuffix(line, "\r"), "\t")
		for n, cell := range cells {
			cells[n] = clean(cell)
		}
		lines[i] = strings.Join(cells, "\t")
	}
	return strings.Join(lines, "\n")
}

// cleanJSON spells out in JSON, or in double quotes of YAML, what JSON leaves as it is and
// a terminal does not. It is the same value.
func cleanJSON(text []byte) []byte {
	risky := func(r rune) bool { return unsafeRune(r) && r >= 0x7f }
	if bytes.IndexFunc(text, risky) < 0 {
		return text
	}
	var b bytes.Buffer
	for _, r := range string(text) {
		if risky(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.Bytes()
}

// cleanWriter passes whole lines on, cleaned; Close prints a last one without an end.
type cleanWriter struct {
	to   io.Writer
	rest []byte
}

// longestLine is what is kept of a line that does not end.
const longestLine = 64 << 10

func (w *cleanWriter) Write(p []byte) (int, error) {
	w.rest = append(w.rest, p...)
	for {
		end := bytes.IndexByte(w.rest, '\n') + 1
		if end == 0 && len(w.rest) > longestLine {
			end = len(w.rest)
		}
		if end == 0 {
			return len(p), nil
		}
		if _, err := io.WriteString(w.to, cleanLines(string(w.rest[:end]))); err != nil {
			return 0, err
		}
		w.rest = append(w.rest[:0], w.rest[end:]...)
	}
}

// Close prints what is left of a last line that had no end.
func (w *cleanWriter) Close() error {
	if len(w.rest) == 0 {
		return nil
	}
	_, err := io.WriteString(w.to, cleanLines(string(w.rest))+"\n")
	w.rest = nil
	return err
}
