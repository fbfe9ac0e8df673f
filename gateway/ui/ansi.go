package ui

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// longestLine is how much of one line a page shows, in bytes.
const longestLine = 4096

// logLine is a line of a log as a page shows it.
type logLine struct {
	Number int64 // 0: not known
	At     int64 // where it begins, in bytes; -1: it has no place yet
	Parts  []logPart
	More   int // bytes that are left out
}

// logPart is a text in one colour.
type logPart struct{ Class, Text string }

// linesOf takes a piece of a log apart. Colours go on from line to line.
func linesOf(text []byte, at, number int64) []logLine {
	var lines []logLine
	var look ansi
	for len(text) > 0 {
		line, rest, ended := bytes.Cut(text, []byte("\n"))
		l := logLine{Number: number, At: at}
		shown := bytes.TrimSuffix(line, []byte("\r"))
		if len(shown) > longestLine {
			end := longestLine
			for end > longestLine-utf8.UTFMax && !utf8.RuneStart(shown[end]) {
				end--
			}
			l.More, shown = len(shown)-end, shown[:end]
		}
		l.Parts = look.parts(string(shown))
		lines = append(lines, l)
		if at >= 0 {
			at += int64(len(line))
			if ended {
				at++
			}
		}
		if number > 0 {
			number++
		}
		text = rest
	}
	return lines
}

// ansi is in which colours a terminal would write.
type ansi struct {
	colour                       string
	bright, bold, dim, underline bool
}

var ansiColours = []string{"black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"}

// parts takes a line apart by the sequences that set colours. Of all others, and of bytes
// that mean something to a terminal, signs are shown.
func (a *ansi) parts(s string) []logPart {
	var parts []logPart
	add := func(text string) {
		if text == "" {
			return
		}
		text, class := visible(text), a.class()
		if n := len(parts); n > 0 && parts[n-1].Class == class {
			parts[n-1].Text += text
			return
		}
		parts = append(parts, logPart{class, text})
	}
	for {
		begin := strings.Index(s, "\x1b[")
		if begin < 0 {
			add(s)
			return parts
		}
		codes := s[begin+2:]
		end := strings.IndexFunc(codes, func(r rune) bool { return r != ';' && (r < '0' || r > '9') })
		if end < 0 || codes[end] != 'm' {
			add(s[:begin+2])
			s = codes
			continue
		}
		add(s[:begin])
		a.paint(codes[:end])
		s = codes[end+1:]
	}
}

// paint takes in the numbers of one sequence.
func (a *ansi) paint(codes string) {
	all := strings.Split(codes, ";")
	for i := 0; i < len(all); i++ {
		n, _ := strconv.Atoi(all[i]) // an empty one is 0, and one that is too large means nothing
		switch {
		case n == 0:
			*a = ansi{}
		case n == 1:
			a.bold = true
		case n == 2:
			a.dim = true
		case n == 4:
			a.underline = true
		case n == 22:
			a.bold, a.dim = false, false
		case n == 24:
			a.underline = false
		case n == 38, n == 48: // of a larger palette: 5;n or 2;r;g;b
			i += palette(all[i+1:])
		case n == 39:
			a.colour, a.bright = "", false
		case n >= 30 && n < 38:
			a.colour, a.bright = ansiColours[n-30], false
		case n >= 90 && n < 98:
			a.colour, a.bright = ansiColours[n-90], true
		}
	}
}

// palette is how many numbers a colour of a larger palette takes.
func palette(rest []string) int {
	switch {
	case len(rest) > 0 && rest[0] == "5":
		return min(2, len(rest))
	case len(rest) > 0 && rest[0] == "2":
		return min(4, len(rest))
	}
	return 0
}

// class names the classes of a colour, as modules/log.js does.
func (a *ansi) class() string {
	var names []string
	add := func(is bool, name string) {
		if is {
			names = append(names, "ansi-"+name)
		}
	}
	add(a.colour != "", a.colour)
	add(a.bright, "bright")
	add(a.bold, "bold")
	add(a.dim, "dim")
	add(a.underline, "underline")
	return strings.Join(names, " ")
}

// visible shows what would be invisible, or would change what stands beside it: ␛ for the
// byte 0x1b, a number for what turns the direction of a text.
func visible(s string) string {
	if !strings.ContainsFunc(s, unseen) && utf8.ValidString(s) {
		return s
	}
	var out strings.Builder
	for _, r := range s { // what is no UTF-8 becomes U+FFFD
		switch {
		case r == '\t' || r == '\n' || !unseen(r):
			out.WriteRune(r)
		case r < ' ':
			out.WriteRune('\u2400' + r)
		case r == 0x7f:
			out.WriteRune('\u2421')
		default:
			fmt.Fprintf(&out, "⟨%X⟩", r)
		}
	}
	return out.String()
}

// unseen reports a character that is not to reach a page as it is.
func unseen(r rune) bool {
	switch {
	case r < ' ', r >= 0x7f && r < 0xa0:
		return true
	case r == 0x61c, r == 0x200e, r == 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069: // they turn the direction
		return true
	}
	return r == 0x2028 || r == 0x2029 || r == 0xfeff
}
