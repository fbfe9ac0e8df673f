// Package scrub masks secrets in texts that come from outside, before they are stored, logged or
// shown: an endpoint that was given a secret may echo it.
//
//	s := scrub.New(token, password)
//	safe := s.Text(answer)      // a whole text
//	w := s.Writer(log)          // or a stream, piece by piece; Flush at its end
//
// Guarantees:
//
//   - A secret of [Shortest] bytes or more is found as it is, in hexadecimal digits,
//     and in base64, standard or URL-safe, also where it begins in the middle of what
//     was encoded; each of them also as JSON, a URL, or HTML escape it, and as up to
//     three such escapes in each other do. It is replaced by [events.Mask].
//   - In a text that was cut off, the beginning of a secret at its end is masked too, from
//     four characters on.
//   - Nothing else of a text changes, and one without a secret stays the same string.
//   - A secret that is disguised on purpose (reversed, encrypted, compressed, one letter a
//     line) is not found: whoever does that was given the secret anyway.
package scrub

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"strings"

	"spool.internal/events"
	"spool.internal/events/sorting"
)

// Shortest is how long a secret must be, in bytes: shorter ones are words that
// stand in texts by chance.
const Shortest = 12

// Scrubber knows some secrets. A nil one knows none. It is safe for concurrent use.
type Scrubber struct {
	needles [][]byte // forms of the secrets, the longest first
	spaced  bool     // one of them holds a space, which a URL spells +
}

// New makes a scrubber of secrets; those that are too short are left out.
func New(secrets ...string) *Scrubber {
	forms := map[string]bool{}
	for _, secret := range secrets {
		if len(secret) < Shortest {
			continue
		}
		forms[secret] = true
		digits := hex.EncodeToString([]byte(secret))
		forms[digits], forms[strings.ToUpper(digits)] = true, true
		for _, coding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			for before := range 3 {
				forms[inside(coding, secret, before)] = true
			}
		}
	}
	if len(forms) == 0 {
		return nil
	}
	s := &Scrubber{}
	for form := range forms {
		s.needles = append(s.needles, []byte(form))
		s.spaced = s.spaced || strings.Contains(form, " ")
	}
	sorting.By(s.needles, func(a, b []byte) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), bytes.Compare(a, b))
	})
	return s
}

// inside gives what stands for certain in the base64 of a text in which so many
// bytes, by threes, stand before the secret, and others after it.
func inside(coding *base64.Encoding, secret string, before int) string {
	encoded := coding.EncodeToString(append(make([]byte, before), secret...))
	shared := []int{0, 2, 3}[before] // characters that say something of what stands before
	return encoded[shared : (before+len(secret))*8/6]
}

// Text masks the secrets in a text.
func (s *Scrubber) Text(text string) string {
	if s == nil {
		return text
	}
	return s.mask(text, false)
}

// Beginning masks the secrets in a text that was cut off, and what may be the
// beginning of one at its end.
func (s *Scrubber) Beginning(text string) string {
	if s == nil {
		return text
	}
	return s.mask(text, true)
}

// Holds reports whether a text holds a secret, in whatever case: names of headers
// come back in another one.
func (s *Scrubber) Holds(text string) bool {
	if s == nil {
		return false
	}
	folded := bytes.ToLower([]byte(text))
	for _, n := range s.needles {
		if len(n) <= len(folded) && bytes.Contains(folded, bytes.ToLower(n)) {
			return true
		}
	}
	return false
}

// span is a part of a text.
type span struct{ from, to int }

func (s *Scrubber) mask(text string, cut bool) string {
	var found []span
	for _, v := range s.views(text) {
		found = s.find(found, v, cut)
	}
	if len(found) == 0 {
		return text
	}
	sorting.By(found, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	var b strings.Builder
	at := 0
	for i := 0; i < len(found); {
		from, to := found[i].from, found[i].to
		for ; i < len(found) && found[i].from <= to; i++ {
			to = max(to, found[i].to)
		}
		b.WriteString(text[at:from] + events.Mask)
		at = to
	}
	return b.String() + text[at:]
}

// find adds where the secrets stand in a view, in places of the text itself.
func (s *Scrubber) find(found []span, v view, cut bool) []span {
	for _, n := range s.needles {
		for at := 0; ; {
			i := bytes.Index(v.text[at:], n)
			if i < 0 {
				break
			}
			found = append(found, span{v.place(at + i), v.place(at + i + len(n))})
			at += i + 1
		}
	}
	if cut {
		for _, end := range []int{len(v.text), whole(v.text)} {
			found = s.findBeginning(found, v, end)
		}
	}
	return found
}

// findBeginning adds where a view that was cut off has the beginning of a secret
// up to end; what follows is part of an escape.
func (s *Scrubber) findBeginning(found []span, v view, end int) []span {
	for _, n := range s.needles {
		for size := min(len(n)-1, end); size >= 4; size-- {
			if bytes.HasSuffix(v.text[:end], n[:size]) {
				found = append(found, span{v.place(end - size), v.place(len(v.text))})
				break
			}
		}
	}
	return found
}
