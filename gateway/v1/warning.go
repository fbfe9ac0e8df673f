package v1

import (
	"fmt"
	"strconv"
	"strings"
)

// keys are those that create_job gives a meaning to outside of settings, by
// the object that they stand in.
var keys = map[string][]string{
	"":                 {"name", "schedule", "flow_parameters", "spool"},
	"flow_parameters.": {"auth_token", "binary_path", "input_dir", "verify_ssl_certificate", "settings"},
}

// Bounds on what a body can put into the header of its answer: clients give up
// on an answer with more than about a hundred lines of header.
const (
	maxWarnings  = 8
	maxKeyLength = 64 // runes
)

// warnings says of each unknown key that it means nothing, in text that a
// header can hold, with the known key that it may be a slip for.
func warnings(unknown []string) []string {
	var list []string
	for i, path := range unknown {
		if i == maxWarnings {
			return append(list, fmt.Sprintf("%d more unknown keys", len(unknown)-i))
		}
		object := ""
		if strings.HasPrefix(path, "flow_parameters.") {
			object = "flow_parameters."
		}
		text := "unknown key " + quote(path)
		if best := nearest(strings.TrimPrefix(path, object), keys[object]); best != "" {
			text += ", did you mean " + quote(object+best) + "?"
		}
		list = append(list, text)
	}
	return list
}

func quote(key string) string {
	if runes := []rune(key); len(runes) > maxKeyLength {
		key = string(runes[:maxKeyLength]) + "..."
	}
	return strconv.QuoteToASCII(key)
}

// nearest gives the candidate that is at most two edits from key, or "".
func nearest(key string, candidates []string) string {
	best, least := "", 3
	for _, c := range candidates {
		if len(key) > len(c)+8 { // even of four-byte runes more than two are too many
			continue
		}
		if d := distance([]rune(key), []rune(c)); d < least {
			best, least = c, d
		}
	}
	return best
}

// distance is the Levenshtein distance of two words.
func distance(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
