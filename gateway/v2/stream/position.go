package stream

import (
	"context"
	"strconv"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/wait"
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

// settleTime is how long the caches that lists are read from have for what the stream has
// passed on. They follow the same streams, each on its own.
const settleTime = time.Second

// settle remembers where events were passed on up to a while ago, until ctx ends.
func (s *Stream) settle(ctx context.Context) {
	for before := (position{}); ; {
		now := s.hub.position()
		if s.hub.check() == nil {
			if before == (position{}) {
				before = now
			}
			s.settled.Store(new(before)) // a copy: who reads it holds no lock
			before = now
		}
		if wait.Sleep(ctx, settleTime) != nil {
			return
		}
	}
}

// Position is where to open the stream so that nothing is missed that is not in what is
// read after this call; some of what is in it comes again. results and runs are the
// sequences that the lists are known to have come to; 0 = not known. It is empty before
// events are followed.
func (s *Stream) Position(results, runs uint64) string {
	settled := s.settled.Load()
	if settled == nil {
		return ""
	}
	p := *settled
	for i, reached := range map[int]uint64{kinds[kindResult].source: results, kinds[kindRun].source: runs} {
		if reached > 0 {
			p[i] = min(p[i], reached)
		}
	}
	return p.String()
}
