package v2

import (
	"strings"
	"testing"
)

func TestLogLinesAreWhole(t *testing.T) {
	numbered := strings.Repeat("line\n", logLines)
	long := strings.Repeat("x", logBytes)
	for _, c := range []struct {
		name string
		in   LogLines
		want LogLines
	}{
		{"nothing", LogLines{Line: 1}, LogLines{Line: 1}},
		{"whole", LogLines{Text: []byte("a\nb\n"), Line: 1}, LogLines{Text: []byte("a\nb\n"), Line: 1}},
		{"its last line has no end", LogLines{Text: []byte("a\nb"), Line: 1}, LogLines{Text: []byte("a\nb"), Line: 1}},
		{"a line is being written", LogLines{Text: []byte("a\nb"), Line: 1, Live: true}, LogLines{Text: []byte("a\n"), Line: 1, Live: true}},
		{"the first is being written", LogLines{Text: []byte("a"), Line: 1, Live: true}, LogLines{Text: []byte("a"), Line: 1, Live: true}},
		{"more than are shown", LogLines{Text: []byte("a\nb\n" + numbered), Offset: 10, Line: 5}, LogLines{Text: []byte(numbered), Offset: 14, Line: 7}},
		{"exactly as many", LogLines{Text: []byte(numbered), Offset: 10, Line: 5}, LogLines{Text: []byte(numbered), Offset: 10, Line: 5}},
		{"begins within a line", LogLines{Text: []byte(long[2:] + "\nb"), Offset: 9, Line: 3}, LogLines{Text: []byte("b"), Offset: 9 + logBytes - 1, Line: 4}},
		{"is one line", LogLines{Text: []byte(long), Offset: 9, Line: 3}, LogLines{Text: []byte(long), Offset: 9, Line: 3, Cut: true}},
		{"has no place yet", LogLines{Text: []byte("a\nb\n" + numbered), Offset: -1, Live: true}, LogLines{Text: []byte(numbered), Offset: -1, Live: true}},
	} {
		c.in.whole()
		if string(c.in.Text) != string(c.want.Text) || c.in.Offset != c.want.Offset || c.in.Line != c.want.Line || c.in.Cut != c.want.Cut {
			t.Errorf("%s: %d bytes at %d, line %d, cut %v; want %d at %d, line %d, cut %v", c.name,
				len(c.in.Text), c.in.Offset, c.in.Line, c.in.Cut, len(c.want.Text), c.want.Offset, c.want.Line, c.want.Cut)
		}
	}
}
