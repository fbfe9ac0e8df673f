package scrub

import (
	"encoding/base64"
	"strings"
	"testing"

	"spool.internal/events"
)

// However a text is cut into writes, its secrets are masked and nothing else changes.
func TestWriter(t *testing.T) {
	const one, two = "first-secret-of-some-length", "first-secret-of-another"
	s := New(one, two)
	text := "a " + one + one + two + " b\nfirst-secret-of\n" + base64.StdEncoding.EncodeToString([]byte(one)) + " first-secret-of-some-lengt"
	want := "a " + strings.Repeat(events.Mask, 3) + " b\nfirst-secret-of\n" + s.Text(base64.StdEncoding.EncodeToString([]byte(one))) + " first-secret-of-some-lengt"
	for size := 1; size <= len(text); size++ {
		var got strings.Builder
		w := s.Writer(&got)
		for at := 0; at < len(text); at += size {
			part := text[at:min(len(text), at+size)]
			if n, err := w.Write([]byte(part)); n != len(part) || err != nil {
				t.Fatal(n, err)
			}
		}
		if err := w.Flush(); err != nil || got.String() != want {
			t.Fatalf("in parts of %d: %q, %v\nwant %q", size, got.String(), err, want)
		}
	}
	var got strings.Builder
	w := New().Writer(&got)
	if _, err := w.Write([]byte(one)); err != nil || got.String() != one {
		t.Errorf("without secrets: %q, %v", got.String(), err)
	}
	w = s.Writer(&got)
	got.Reset()
	if _, err := w.Write([]byte("prompt: ")); err != nil || got.String() != "prompt: " {
		t.Errorf("what is no beginning of a secret waits: %q, %v", got.String(), err)
	}
}
