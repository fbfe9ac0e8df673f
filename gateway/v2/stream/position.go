package stream

import (
	"strconv"
	"strings"

	"spool.internal/events"
)

// position is the sequence up to which each source was delivered.
type position [len(sources)]uint64

// String is the id of an event, j12-r345-u67-s8-d9-t10.
func (p position) String() string {
	var b strings.Builder
	for i, seq := range p {
		if i > 0 {
			b.WriteByte('-')
		}
		b.WriteString(sources[i].letter)
		b.WriteString(strconv.FormatUint(seq, 10))
	}
	return b.String()
}

// fewest is how many sources the ids of the first version name: j12-r345-u67.
const fewest = 3

// parsePosition reads the id of an event. Of an older version it names the first sources
// alone; known says how many it names.
func parsePosition(s string) (p position, known int, err error) {
	parts := strings.Split(s, "-")
	if len(parts) < fewest || len(parts) > len(sources) {
		err = strconv.ErrSyntax
	}
	for i, part := range parts {
		if err != nil {
			break
		}
		digits, ok := strings.CutPrefix(part, sources[i].letter)
		if !ok {
			err = strconv.ErrSyntax
			break
		}
		p[i], err = strconv.ParseUint(digits, 10, 64)
	}
	if err != nil {
		return position{}, 0, events.Faultf(events.Invalid, "Last-Event-ID", "%q is not the id of an event, such as %s", s, position{12, 345, 67, 8, 9, 10})
	}
	return p, len(parts), nil
}
