package scrub

import (
	"bytes"
	"hash/maphash"
	"html"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// view is a text as its reader sees it once escapes are undone.
type view struct {
	text []byte
	at   []int // where in the text itself each byte comes from, and at last its end; nil = it is the text
}

func (v view) place(i int) int {
	if v.at == nil {
		return i
	}
	return v.at[i]
}

// maxDepth is how many escapes in each other are undone: a URL in JSON in JSON.
const maxDepth = 3

// escape is one way of writing a character as something else: what an escape at
// the beginning of a text stands for, and its length; 0 = there is none.
type escape struct {
	marks string
	read  func(text []byte, out []byte) (decoded []byte, length int)
}

var (
	escapes = []escape{{`\`, fromJSON}, {"%", fromURL}, {"&", fromHTML}}
	form    = escape{"%+", fromForm} // as a URL, and + is a space
)

var seed = maphash.MakeSeed()

// views gives a text in every way in which its escapes can be undone.
func (s *Scrubber) views(text string) []view {
	ways := escapes
	if s.spaced {
		ways = append(ways[:len(ways):len(ways)], form)
	}
	all := []view{{text: []byte(text)}}
	seen := map[uint64]bool{maphash.Bytes(seed, all[0].text): true}
	for first, depth := 0, 0; depth < maxDepth; depth++ {
		last := len(all)
		for _, v := range all[first:last] {
			for _, e := range ways {
				next, changed := e.undo(v)
				if !changed {
					continue
				}
				if sum := maphash.Bytes(seed, next.text); !seen[sum] {
					seen[sum] = true
					all = append(all, next)
				}
			}
		}
		first = last
	}
	return all
}

// undo gives a view with one kind of escape undone.
func (e escape) undo(v view) (next view, changed bool) {
	if !bytes.ContainsAny(v.text, e.marks) {
		return v, false
	}
	next = view{text: make([]byte, 0, len(v.text)), at: make([]int, 0, len(v.text)+1)}
	for i := 0; i < len(v.text); {
		length := 0
		before := len(next.text)
		if strings.IndexByte(e.marks, v.text[i]) >= 0 {
			next.text, length = e.read(v.text[i:], next.text)
		}
		if length == 0 {
			next.text, length = append(next.text, v.text[i]), 1
		} else {
			changed = true
		}
		for range len(next.text) - before {
			next.at = append(next.at, v.place(i))
		}
		i += length
	}
	next.at = append(next.at, v.place(len(v.text)))
	return next, changed
}

// fromJSON reads the escapes of JSON, and those of Go and JavaScript.
func fromJSON(text, out []byte) ([]byte, int) {
	if len(text) < 2 {
		return out, 0
	}
	switch text[1] {
	case '"', '\\', '/', '\'':
		return append(out, text[1]), 2
	case 'b', 'f', 'n', 'r', 't':
		return append(out, "\b\f\n\r\t"[strings.IndexByte("bfnrt", text[1])]), 2
	case 'x':
		if n, ok := digits(text, 2, 4); ok {
			return append(out, byte(n)), 4
		}
	case 'u':
		high, ok := digits(text, 2, 6)
		if !ok {
			return out, 0
		}
		if utf16.IsSurrogate(high) && len(text) >= 8 && text[6] == '\\' && text[7] == 'u' {
			if low, ok := digits(text, 8, 12); ok {
				return utf8.AppendRune(out, utf16.DecodeRune(high, low)), 12
			}
		}
		return utf8.AppendRune(out, high), 6
	}
	return out, 0
}

func fromURL(text, out []byte) ([]byte, int) {
	n, ok := digits(text, 1, 3)
	if !ok {
		return out, 0
	}
	return append(out, byte(n)), 3
}

func fromForm(text, out []byte) ([]byte, int) {
	if text[0] == '+' {
		return append(out, ' '), 1
	}
	return fromURL(text, out)
}

// maxEntity is the longest entity that is read: longer ones name no character of a secret.
const maxEntity = 10

func fromHTML(text, out []byte) ([]byte, int) {
	end := bytes.IndexByte(text[:min(len(text), maxEntity)], ';')
	if end < 0 {
		return out, 0
	}
	entity := string(text[:end+1])
	plain := html.UnescapeString(entity)
	if plain == entity {
		return out, 0
	}
	return append(out, plain...), end + 1
}

// digits reads hexadecimal digits.
func digits(text []byte, from, to int) (rune, bool) {
	if len(text) < to {
		return 0, false
	}
	n, err := strconv.ParseUint(string(text[from:to]), 16, 32)
	return rune(n), err == nil
}

// whole gives the length of a text without an escape that may have been cut in
// two at its end.
func whole(text []byte) int {
	tail := max(0, len(text)-12) // two \u make one character
	if i := bytes.IndexAny(text[tail:], `\%&`); i >= 0 {
		text = text[:tail+i]
	}
	return len(bytes.TrimRight(text, `\%&`))
}
