package schedule

import "time"

// Minute is a whole minute of UTC: how many have begun since 1970. Slots are whole
// minutes, so it names a slot, too.
type Minute int64

// MinuteOf gives the minute that t lies in.
func MinuteOf(t time.Time) Minute { return Minute(floorDiv(t.Unix(), 60)) }

// Time gives the time that the minute begins at, in UTC.
func (m Minute) Time() time.Time { return time.Unix(int64(m)*60, 0).UTC() }
