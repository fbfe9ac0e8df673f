package stream

import (
	"context"
	"slices"
	"strconv"

	"spool.internal/events"
)

// maxTail is how many events a client may ask for that were there before it.
const maxTail = 500

// looks are how many messages of a source are looked at for them: few at first, and
// more where few of those are the caller's.
var looks = [...]uint64{512, 8192}

func readTail(text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxTail {
		return 0, events.Faultf(events.Invalid, "tail", "must be a whole number from 1 to %d", maxTail)
	}
	return n, nil
}

// tail finds the last n events before the place of a client that it wants, and puts the
// client before them. They are in the order in which they were stored.
func (s *Stream) tail(ctx context.Context, c *client, n int) (last []*event, err error) {
	last = []*event{}
	for i := range sources {
		if !c.needs(i) {
			continue
		}
		of, err := s.lastOf(ctx, c, i, n)
		if err != nil {
			return nil, err
		}
		last = append(last, of...)
	}
	slices.SortStableFunc(last, func(a, b *event) int { return a.at.Compare(b.at) })
	last = last[max(len(last)-n, 0):]
	for _, e := range slices.Backward(last) {
		c.at[e.source] = min(c.at[e.source], e.seq-1)
	}
	return last, nil
}

// lastOf finds the last n events of one source up to the place of a client.
func (s *Stream) lastOf(ctx context.Context, c *client, i, n int) (last []*event, err error) {
	until := c.at[i]
	for _, look := range looks {
		after := until - min(until, look)
		last = last[:0]
		for at := after; at < until; {
			page, reached, err := s.page(ctx, i, at, until)
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			if err != nil {
				return nil, err
			}
			for _, e := range page {
				if e.seq <= until && c.wants(e) {
					last = append(last, e)
				}
			}
			last = append(last[:0], last[max(len(last)-n, 0):]...)
			at = max(reached, at+1)
		}
		if len(last) == n || after == 0 {
			break
		}
	}
	return last, nil
}
