package stream

import (
	"context"
	"slices"
	"strconv"

	"spool.internal/events"
	"spool.internal/events/sorting"
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
	sorting.Stably(last, func(a, b *event) int { return a.at.Compare(b.at) })
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
		if last, err = s.between(ctx, c, span{i, after, until}, n); err != nil || len(last) == n || after == 0 {
			break
		}
	}
	return last, err
}

// span is what is stored in one source behind a sequence, up to and with another.
type span struct {
	source       int
	after, until uint64
}

// between finds the last n events of a span that a client wants.
func (s *Stream) between(ctx context.Context, c *client, of span, n int) (last []*event, err error) {
	for at := of.after; at < of.until; {
		page, reached, err := s.page(ctx, of.source, at, of.until)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err != nil {
			return nil, err
		}
		for _, e := range page {
			if e.seq <= of.until && c.wants(e) {
				last = append(last, e)
			}
		}
		last = append(last[:0], last[max(len(last)-n, 0):]...)
		at = max(reached, at+1)
	}
	return last, nil
}
