package cron

import (
	"context"
	"slices"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// rewinder is what a rewind needs of the store; jet.Bus is one.
type rewinder interface {
	store
	backlogs
}

// Rewound says what a rewind did.
type Rewound struct {
	From, To time.Time // the committed minute before and after
	Backlog  int       // about how many triggers catch-up owed to minutes after To, and owes no more
}

// Rewind sets the committed clock back to the minute that now lies in. It is the
// remedy for a clock that ran ahead, for people: nothing calls it by itself.
//
// Slots after that minute have been answered for already, as the clock was then.
// They will be so again when their time comes: a trigger with the same identity, so
// the same Idempotency-Key, which the built-in runner takes for the run that it
// knows. What catch-up still owes to them is dropped, for it would be a second one.
//
// It is refused with an [events.Error] when the clock is not ahead, and a conflict
// when a replica moves the clock meanwhile.
func Rewind(ctx context.Context, bus *jet.Bus, now time.Time) (Rewound, error) {
	return rewind(ctx, bus, now)
}

func rewind(ctx context.Context, s rewinder, now time.Time) (Rewound, error) {
	clock, at, err := s.Clock(ctx)
	if err != nil {
		return Rewound{}, err
	}
	minute := events.MinuteOf(now)
	if clock.Minute <= minute {
		return Rewound{}, events.Faultf(events.Invalid, "", "the committed clock says %s and here it is %s: it is not ahead",
			clock.Minute.Time().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	done := Rewound{From: clock.Minute.Time(), To: minute.Time()}
	if done.Backlog, err = cutBacklogs(ctx, s, minute); err != nil {
		return Rewound{}, err
	}
	clock.Minute = minute
	if clock.From >= minute { // no slot up to now is left of a pass that was cut short
		clock.From, clock.Cursor = minute, ""
	}
	_, err = s.CommitPass(ctx, clock, at, events.Answers{})
	return done, err
}

// cutBacklogs drops what is owed to slots after a minute.
func cutBacklogs(ctx context.Context, s backlogs, minute events.Minute) (dropped int, err error) {
	all, err := s.Backlogs(ctx)
	if err != nil {
		return 0, err
	}
	var cut []events.Backlog
	for _, b := range all {
		rest := events.Backlog{JobID: b.JobID, Rest: true, Last: b.Last}
		future := false
		for _, o := range b.Owed {
			if o.To > minute {
				if future = true; o.From > minute {
					continue
				}
				// They cannot be counted here: the zone of a job that names none is the service's.
				o.Slots = 1 + int(events.Minute(o.Slots-1)*(minute-o.From)/(o.To-o.From))
				o.To = minute
			}
			rest.Owed = append(rest.Owed, o)
		}
		if future {
			dropped += b.Slots() - rest.Slots()
			cut = append(cut, rest)
		}
	}
	for part := range slices.Chunk(cut, jet.MaxBatch) {
		if _, err := s.WorkOff(ctx, events.Answers{Later: part}); err != nil {
			return 0, err
		}
	}
	return dropped, nil
}
