package wire

import (
	"strconv"

	"spool.internal/events"
)

// maxKey is how much of an unknown key is shown, in characters.
const maxKey = 64

// UnknownKey refuses a key of an object, "" or a path with a dot at its end. meant is
// the key that was probably meant, or "".
func UnknownKey(object, key, meant string) error {
	return events.Faultf(events.Invalid, object+ShortKey(key), "unknown key%s", DidYouMean(meant))
}

// DidYouMean ends a sentence about an unknown key; it is empty when nothing is like it.
func DidYouMean(meant string) string {
	if meant == "" {
		return ""
	}
	return ", did you mean " + strconv.QuoteToASCII(meant) + "?"
}

// ShortKey is the beginning of a key that a client has chosen.
func ShortKey(key string) string {
	if runes := []rune(key); len(runes) > maxKey {
		return string(runes[:maxKey]) + "..."
	}
	return key
}
