package events

import (
	"encoding/json"
	"slices"
)

// splitObject takes apart the top level of a JSON text that is known to be valid: by
// checkValue, or because encoding/json has passed it as part of a body. The values are
// parts of raw. It is written by hand because cron reads a hundred thousand jobs when it
// starts, and a [json.Decoder] for each object of each job takes most of that time.
func splitObject(raw []byte, field string) (Object, error) {
	o := Object{}
	at := skipSpace(raw, 0)
	ok := at < len(raw) && raw[at] == '{'
	for at = skipSpace(raw, at+1); ok && at < len(raw) && raw[at] != '}'; {
		var key string
		end := valueEnd(raw, at)
		key, ok = unquote(raw[at:end])
		at = skipSpace(raw, skipSpace(raw, end)+1) // over the colon
		end = valueEnd(raw, at)
		o = append(o, Member{key, slices.Clip(raw[at:end])})
		if at = skipSpace(raw, end); at < len(raw) && raw[at] == ',' {
			at = skipSpace(raw, at+1)
		}
	}
	if !ok || at >= len(raw) {
		return nil, Faultf(Invalid, field, "must be a JSON object")
	}
	return o, nil
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// skipSpace gives the place of the next byte that is no space.
func skipSpace(raw []byte, at int) int {
	for at < len(raw) && isSpace(raw[at]) {
		at++
	}
	return min(at, len(raw))
}

// valueEnd gives the place behind the value that begins at a place.
func valueEnd(raw []byte, at int) int {
	for depth := 0; at < len(raw); at++ {
		switch c := raw[at]; {
		case c == '"':
			for at++; at < len(raw) && raw[at] != '"'; at++ {
				if raw[at] == '\\' {
					at++
				}
			}
		case c == '{', c == '[':
			depth++
		case c == '}', c == ']':
			depth--
		case c == ',', c == ':', isSpace(c):
		default: // a number, true, false or null
			for at+1 < len(raw) && !endsWord(raw[at+1]) {
				at++
			}
		}
		if depth <= 0 {
			return min(at+1, len(raw))
		}
	}
	return len(raw)
}

func endsWord(c byte) bool { return c == ',' || c == ':' || c == '}' || c == ']' || isSpace(c) }

// unquote gives the text of a JSON string.
func unquote(raw []byte) (s string, ok bool) {
	if len(raw) < 2 || raw[0] != '"' {
		return "", false
	}
	inner := raw[1 : len(raw)-1]
	if !slices.ContainsFunc(inner, func(c byte) bool { return c == '\\' || c == '"' || c < ' ' || c > '~' }) {
		return string(inner), true
	}
	err := json.Unmarshal(raw, &s)
	return s, err == nil
}
