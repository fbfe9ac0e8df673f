package events

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
)

// maxKey is how long a key of a job, and the word for who manages it, may be, in characters.
const maxKey = 200

// readKey reads "spool.key": the name that a program gives a job, which no other job
// of its owner has. It stands in no subject, and no id is made from it.
func readKey(r *reader) string {
	key := readWord(r, "key")
	switch {
	case strings.ContainsFunc(key, unicode.IsSpace):
		r.fail("key", "%q has a blank in it: use - or / in its place", key)
	case uuid.Validate(key) == nil:
		r.fail("key", "looks like the id of a job: give it a name")
	}
	return key
}

// readWord reads a short text for people and programs, as "spool.managed_by".
func readWord(r *reader, name string) string {
	raw, given := r.o.Get(name)
	if !given {
		return ""
	}
	text := r.text(name)
	switch n := utf8.RuneCountInString(text); {
	case raw[0] != '"':
	case strings.TrimSpace(text) == "":
		r.fail(name, "is empty: leave it out, or give a word")
	case n > maxKey:
		r.fail(name, "has %d characters; at most %d are allowed", n, maxKey)
	case strings.ContainsFunc(text, unicode.IsControl):
		r.fail(name, "has a control character in it: leave that out")
	}
	return text
}
