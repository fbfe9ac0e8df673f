package events

import (
	"time"

	"spool.internal/events/schedule"
)

// Minute is a whole minute of UTC, and names a slot: see [schedule.Minute].
type Minute = schedule.Minute

// MinuteOf gives the minute that t lies in.
func MinuteOf(t time.Time) Minute { return schedule.MinuteOf(t) }

// onTime is how long after its minute a slot may be committed without being late.
const onTime = time.Minute

// CaughtUp reports whether the trigger of a slot that is stored at a time is catch-up, rather than on time.
func CaughtUp(slot Minute, stored time.Time) bool { return stored.Sub(slot.Time()) > onTime }
