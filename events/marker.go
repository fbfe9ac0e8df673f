package events

import (
	"path"
	"strings"
)

// A marker is the file beside another that says "it is complete". A pattern
// gives its name: with {name} for the whole name of the file it speaks of,
// {stem} for that name without its last extension, or neither: then it is what
// follows the name. So .done, {name}.done and {stem}.ok all say what they seem to.
const (
	markerName = "{name}"
	markerStem = "{stem}"
)

// MarkerOf gives the name of the marker of a file.
func (w Watch) MarkerOf(name string) string {
	before, after, stem := w.marker()
	if stem {
		name = strings.TrimSuffix(name, path.Ext(name))
	}
	return before + name + after
}

// MarkedBy gives the name of the file that a marker speaks of; ok is false where
// the name is no marker's, and the name is empty where it can be one of several.
func (w Watch) MarkedBy(marker string) (name string, ok bool) {
	before, after, stem := w.marker()
	if w.Marker == "" || len(marker) <= len(before)+len(after) || !strings.HasPrefix(marker, before) || !strings.HasSuffix(marker, after) {
		return "", false
	}
	if stem {
		return "", true
	}
	return marker[len(before) : len(marker)-len(after)], true
}

func (w Watch) marker() (before, after string, stem bool) {
	if before, after, ok := strings.Cut(w.Marker, markerName); ok {
		return before, after, false
	}
	if before, after, ok := strings.Cut(w.Marker, markerStem); ok {
		return before, after, true
	}
	return "", w.Marker, false
}

// markerFault says what is wrong with a pattern, or nothing.
func markerFault(pattern string) string {
	before, after, _ := Watch{Marker: pattern}.marker()
	switch {
	case pattern == "":
		return ""
	case strings.ContainsAny(before+after, "/\x00"):
		return "is no name: the marker lies beside its file"
	case strings.ContainsAny(before+after, "{}"):
		return "knows {name} or {stem}, once"
	case before+after == "":
		return "would be the file itself: give an ending like .done, or a pattern like {stem}.ok"
	default:
		return ""
	}
}
