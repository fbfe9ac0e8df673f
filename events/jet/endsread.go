package jet

import (
	"context"
	"strings"
	"time"

	"spool.internal/events/wait"
)

// Bounds of what is remembered of the ledger of ends, and how long a burst of
// messages takes that are fetched together.
const (
	endsKnown = 20_000
	burst     = 2 * time.Millisecond
)

// Find tells how the trigger at a sequence ended, which came into this process at
// a time; found is false when the ledger did not know at that time.
func (e *Ends) Find(ctx context.Context, sequence uint64, received time.Time) (end End, found bool, err error) {
	if end, found, err = e.own(ctx, sequence); found || err != nil {
		return end, found, err
	}
	if end, found, sure := e.others(sequence, received); sure {
		return end, found, nil
	}
	e.reading.Lock()
	defer e.reading.Unlock()
	if end, found, sure := e.others(sequence, received); sure {
		return end, found, nil
	}
	if err := e.readOn(ctx); err != nil {
		return End{}, false, err
	}
	end, found, _ = e.others(sequence, received)
	return end, found, nil
}

// own looks among the entries of this process, which are not read back otherwise.
func (e *Ends) own(ctx context.Context, sequence uint64) (end End, found bool, err error) {
	e.mu.Lock()
	one := e.of[sequence]
	e.mu.Unlock()
	if one == nil {
		return End{}, false, nil
	}
	m, found, err := e.bus.getSure(ctx, e.stream, one.sequence)
	if err != nil || !found {
		return End{}, false, err
	}
	ends, err := decode[[]End](m)
	for _, end := range ends {
		if end.Sequence == sequence {
			return end, true, nil
		}
	}
	return End{}, false, err
}

// others looks among what is known of the entries of others; sure is false when
// those may have come since that matter.
func (e *Ends) others(sequence uint64, received time.Time) (end End, found, sure bool) {
	e.look.Lock()
	defer e.look.Unlock()
	end, found = e.known[sequence]
	return end, found, found || e.readAt.After(received)
}

// Ahead has the ledger read for a trigger that came at a time and is to be asked
// for later, so that nobody has to wait for it then.
func (e *Ends) Ahead(received time.Time) {
	e.look.Lock()
	defer e.look.Unlock()
	e.wanted = received
	if !e.ahead {
		e.ahead = e.bus.task(e.readAhead)
	}
}

func (e *Ends) readAhead() {
	for {
		err := wait.Sleep(e.bus.life, burst)
		e.look.Lock()
		if err != nil || e.readAt.After(e.wanted) {
			e.ahead = false
			e.look.Unlock()
			return
		}
		wanted := e.wanted
		e.look.Unlock()
		e.reading.Lock()
		if _, _, sure := e.others(0, wanted); !sure {
			err = e.readOn(e.bus.life)
		}
		e.reading.Unlock()
		if err != nil { // who asks reads, and is told
			e.look.Lock()
			e.ahead = false
			e.look.Unlock()
			return
		}
	}
}

// readOn reads what others have come to enter; e.reading is held.
func (e *Ends) readOn(ctx context.Context) error {
	own, now := doneByFilter(e.stream, e.writer), time.Now()
	e.look.Lock()
	if len(e.known) > endsKnown {
		clear(e.known)
		e.read, e.readAt = 0, time.Time{}
	}
	e.look.Unlock()
	err := e.bus.afterSure(ctx, e.stream, doneFilter(e.stream), e.read, func(m Stored) bool {
		e.read = m.Sequence
		if strings.HasPrefix(m.Subject, strings.TrimSuffix(own, ">")) {
			return true
		}
		ends, err := decode[[]End](m)
		if err != nil {
			e.bus.log.Error("an entry of the ledger cannot be read", "error", err.Error())
		}
		e.look.Lock()
		for _, end := range ends {
			e.known[end.Sequence] = end
		}
		e.look.Unlock()
		return true
	})
	if err == nil {
		e.look.Lock()
		e.readAt = now
		e.look.Unlock()
	}
	return err
}

// Sweep takes out entries that nobody needs any more, of whichever process.
func (e *Ends) Sweep(ctx context.Context) error {
	entries := map[uint64][]End{}
	err := e.bus.after(ctx, e.stream, doneFilter(e.stream), 0, func(m Stored) bool {
		ends, err := decode[[]End](m)
		if err == nil {
			entries[m.Sequence] = ends
		}
		return true
	})
	for seq, ends := range entries {
		needed := false
		for i := 0; i < len(ends) && err == nil && !needed; i++ {
			_, needed, err = e.bus.getSure(ctx, e.stream, ends[i].Sequence)
		}
		if err == nil && !needed {
			err = e.bus.dropEach(ctx, e.stream, []uint64{seq})
		}
		if err != nil {
			return err
		}
	}
	return err
}
