package stream

import (
	"fmt"
	"strconv"
	"strings"

	"spool.internal/events"
)

// position is the sequence up to which each source was delivered.
type position [len(sources)]uint64

// String is the id of an event, j12-r345-u67.
func (p position) String() string {
	return fmt.Sprintf("j%d-r%d-u%d", p[0], p[1], p[2])
}

func parsePosition(s string) (p position, err error) {
	parts := strings.Split(s, "-")
	for i := range sources {
		if len(parts) != len(sources) || !strings.HasPrefix(parts[i], sources[i].letter) {
			err = strconv.ErrSyntax
		} else if err == nil {
			p[i], err = strconv.ParseUint(parts[i][1:], 10, 64)
		}
	}
	if err != nil {
		return position{}, events.Faultf(events.Invalid, "Last-Event-ID", "%q is not the id of an event, such as j12-r345-u67", s)
	}
	return p, nil
}
