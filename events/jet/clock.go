package jet

import (
	"context"

	"spool.internal/events"
)

// Clocks is the clock of cron, and those before it that are not trimmed yet.
func (b *Bus) Clocks() View[events.Clock] {
	return view[events.Clock](b, streamTriggers, clockSubject)
}

// Clock reads how far cron has come, and the sequence to expect in the next
// commit; a clock that was never set is zero with sequence 0.
func (b *Bus) Clock(ctx context.Context) (events.Clock, uint64, error) {
	m, found, err := b.Clocks().Last(ctx)
	if err != nil || !found {
		return events.Clock{}, 0, err
	}
	c, err := m.Value()
	return c, m.Sequence, err
}
