package ui

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// inBrackets writes a line as [class]text[/].
func inBrackets(l logLine) string {
	var out strings.Builder
	for _, p := range l.Parts {
		if p.Class == "" {
			out.WriteString(p.Text)
		} else {
			out.WriteString("[" + p.Class + "]" + p.Text + "[/]")
		}
	}
	return out.String()
}

func TestLinesOfALog(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"plain", "hello", "hello"},
		{"colours", "\x1b[31mred\x1b[0m plain", "[ansi-red]red[/] plain"},
		{"several at once", "\x1b[1;4;92mx\x1b[22;24my\x1b[39mz", "[ansi-green ansi-bright ansi-bold ansi-underline]x[/][ansi-green ansi-bright]y[/]z"},
		{"empty codes end all", "\x1b[31ma\x1b[mb", "[ansi-red]a[/]b"},
		{"of a larger palette", "\x1b[38;5;31ma\x1b[48;2;1;1;31mb", "ab"},
		{"no colour that is known", "\x1b[999999999999999999999;7mx", "x"},
		{"what moves the cursor", "\x1b[2Jx\x1b[1;1Hy", "␛[2Jx␛[1;1Hy"},
		{"a title, a link", "\x1b]0;title\x07 \x1b]8;;http://evil.example\x1b\\x", "␛]0;title␇ ␛]8;;http://evil.example␛\\x"},
		{"cut off", "a\x1b[31", "a␛[31"},
		{"a lone escape", "a\x1b", "a␛"},
		{"bytes that mean something", "a\x00b\bc\x7f\td", "a␀b␈c␡\td"},
		{"C1 controls", "a\u009b31mb", "a⟨9B⟩31mb"},
		{"text that turns around", "a\u202egpj.exe\u2066", "a⟨202E⟩gpj.exe⟨2066⟩"},
		{"no UTF-8", "a\xff\xfeb", "a\ufffd\ufffdb"},
		{"the end of a line of another system", "a\r", "a"},
		{"a bar that draws over itself", "1%\r2%\r", "1%␍2%"},
		{"markup", "<script>alert(1)</script>&amp;", "<script>alert(1)</script>&amp;"},
	} {
		lines := linesOf([]byte(c.in+"\n"), 0, 1)
		if len(lines) != 1 || inBrackets(lines[0]) != c.want {
			t.Errorf("%s: %+v, want %q", c.name, lines, c.want)
		}
	}
}

func TestLinesHaveTheirPlaces(t *testing.T) {
	lines := linesOf([]byte("\x1b[31mone\ntwo\r\n\nfour"), 100, 7)
	want := []struct {
		at, number int64
		text       string
	}{{100, 7, "[ansi-red]one[/]"}, {109, 8, "[ansi-red]two[/]"}, {114, 9, ""}, {115, 10, "[ansi-red]four[/]"}}
	if len(lines) != len(want) {
		t.Fatalf("%d lines", len(lines))
	}
	for i, w := range want {
		if l := lines[i]; l.At != w.at || l.Number != w.number || inBrackets(l) != w.text {
			t.Errorf("line %d: %d at %d: %q; want %+v", i, l.Number, l.At, inBrackets(l), w)
		}
	}
	for _, l := range linesOf([]byte("a\nb\n"), -1, 0) {
		if l.At != -1 || l.Number != 0 {
			t.Errorf("a line without a place has one: %+v", l)
		}
	}
}

func TestLongLinesAreCut(t *testing.T) {
	for name, line := range map[string]string{
		"one byte":             strings.Repeat("x", 1<<20),
		"characters":           strings.Repeat("€", 1<<18),
		"no UTF-8":             strings.Repeat("\x80", 1<<20),
		"colours and nothing":  strings.Repeat("\x1b[31m", 1<<18),
		"a colour a character": strings.Repeat("\x1b[31mx\x1b[32my", 1<<16),
	} {
		lines := linesOf([]byte(line+"\nnext\n"), 0, 1)
		if len(lines) != 2 || lines[1].At != int64(len(line)+1) || inBrackets(lines[1]) == "" {
			t.Fatalf("%s: %d lines", name, len(lines))
		}
		shown := 0
		for _, p := range lines[0].Parts {
			shown += len(p.Text)
			if !utf8.ValidString(p.Text) {
				t.Errorf("%s: shows what is no UTF-8", name)
			}
		}
		if shown > 4*longestLine || lines[0].More < len(line)-longestLine {
			t.Errorf("%s: shows %d bytes, leaves out %d of %d", name, shown, lines[0].More, len(line))
		}
	}
}

func FuzzLinesOf(f *testing.F) {
	f.Add([]byte("\x1b[31mone\n\x1b[2Jtwo\r\n\xff"))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, l := range linesOf(text, 0, 1) {
			for _, p := range l.Parts {
				if strings.ContainsFunc(strings.ReplaceAll(p.Text, "\t", ""), unseen) || !utf8.ValidString(p.Text) {
					t.Fatalf("%q shows %q", text, p.Text)
				}
			}
		}
	})
}
