package events

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// Output is a file that a run wrote.
type Output struct {
	Path string `json:"path"` // below the output folder; replacement characters where it is not UTF-8
	Size int64  `json:"size"` // bytes
}

// Bounds on what an event tells of what a run wrote.
const (
	MaxOutputs     = 100
	MaxOutputNames = 32 << 10 // bytes of all paths
	MaxReport      = 8 << 10  // bytes of the result that a flow writes
)

// ReadReport gives the result that a flow wrote, of which at most [MaxReport]+1
// bytes were read. Nothing written is no result; an error says in words for the
// message of the run why there is none.
func ReadReport(text []byte) (json.RawMessage, error) {
	value := bytes.TrimSpace(TrimBOM(text))
	switch {
	case len(text) > MaxReport:
		return nil, fmt.Errorf("SPOOL_RESULT is not kept: it is larger than %d bytes", MaxReport)
	case len(value) == 0:
		return nil, nil
	case !utf8.Valid(value):
		return nil, fmt.Errorf("SPOOL_RESULT is not kept: it is not UTF-8")
	case !json.Valid(value):
		return nil, fmt.Errorf("SPOOL_RESULT is not kept: it is not one JSON value")
	}
	return json.RawMessage(value), nil
}
