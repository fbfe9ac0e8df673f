package cli

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// hostile is what others can write into a name, an error or an output.
const hostile = "a\x1b[2Jb\nc\rd\te\u009bf\u202eg\u2066h\x7fi\x00j\xffk\u2028l"

func TestNothingMovesTheCursor(t *testing.T) {
	if got, want := clean(hostile), `a\u001b[2Jb\nc\rd\te\u009bf\u202eg\u2066h\u007fi\u0000j\xffk\u2028l`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for _, plain := range []string{"", "nightly backup", "Ünïcode 日本語 🎉", `back\slash`} {
		if got := clean(plain); got != plain {
			t.Errorf("clean(%q) = %q", plain, got)
		}
	}
	if got := cleanLines("a\tb\x1b\nc\r\n"); got != "a\tb\\u001b\nc\n" {
		t.Errorf("lines: %q", got)
	}
}

// What is printed as data is the same value, and as harmless.
func TestDataIsHarmlessAndTheSame(t *testing.T) {
	text := strings.ToValidUTF8(hostile, "?")
	raw := encode(map[string]any{"name": text})
	for _, form := range []string{"json", "yaml"} {
		var b bytes.Buffer
		p := &printer{form: form, w: &b}
		if err := p.data(raw); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsFunc(b.String(), func(r rune) bool { return unsafeRune(r) && r != '\n' }) {
			t.Errorf("%s: %q", form, b.String())
		}
		back, err := fromYAML(b.Bytes())
		if err != nil {
			t.Fatalf("%s: %v in %s", form, err, b.String())
		}
		var got struct{ Name string }
		if err := json.Unmarshal(back, &got); err != nil || got.Name != text {
			t.Errorf("%s: %q, %v", form, got.Name, err)
		}
	}
}

func TestLongLines(t *testing.T) {
	var b bytes.Buffer
	w := &cleanWriter{to: &b}
	for _, part := range []string{"one\ntw", "o\x1b\n", strings.Repeat("x", longestLine), "y", "\nend"} {
		if n, err := w.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatal(n, err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if want := "one\ntwo\\u001b\n" + strings.Repeat("x", longestLine) + "y\nend\n"; b.String() != want {
		t.Errorf("got %d bytes, want %d", b.Len(), len(want))
	}
}
