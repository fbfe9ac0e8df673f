package schedule

import (
	"fmt"
	"math"
	"time"
	_ "time/tzdata" // a zone must load on a host without a database
)

// LoadLocation gives the zone with this IANA name. A host's own database comes
// before the embedded one, so that new rules need no new program. A fault is an
// [*Error].
func LoadLocation(name string) (*time.Location, error) {
	switch name {
	case "":
		return nil, &Error{Field: "time zone", Problem: "time zone is empty", Remedy: zoneRemedy}
	case "Local":
		return nil, zoneFault(name, "depends on the host")
	}
	// Every IANA name begins with a capital. The other files of a host's database
	// (localtime, posixrules, right/...) are its own setting or count leap seconds.
	if c := name[0]; c < 'A' || c > 'Z' {
		return nil, unknownZone(name, "is not an IANA name")
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, unknownZone(name, "is unknown")
	}
	return loc, nil
}

func unknownZone(name, problem string) *Error {
	e := zoneFault(name, problem)
	if meant := suggestZone(name); meant != "" {
		e.Remedy = "did you mean " + meant + "?"
	}
	return e
}

const zoneRemedy = "use an IANA name such as UTC or Europe/Berlin"

func zoneFault(name, problem string) *Error {
	return &Error{Field: "time zone", Problem: fmt.Sprintf("time zone %q %s", name, problem), Remedy: zoneRemedy}
}

// A UTC minute is minutes since 1970-01-01 00:00 UTC.
const (
	forever    = math.MaxInt64 / 4
	minMinute  = -62135596800 / 60 // year 1
	maxMinute  = 253402300799 / 60 // the end of year 9999
	maxShift   = 3 * hour          // a larger change of offset is a change of calendar
	wideMargin = 2 * day           // more than two offsets of one zone can differ
)

// span is a stretch of UTC minutes in which a zone keeps one offset.
type span struct {
	offset int64 // minutes to add to UTC, rounded down
	end    int64 // the first UTC minute after it
}

// span gives the offset at a UTC minute and how long it lasts. The next span may
// have the same offset.
func (s *Schedule) span(utc int64) span {
	t := Minute(utc).Time().In(s.loc)
	_, seconds := t.Zone()
	here := span{offset: floorDiv(int64(seconds), 60), end: forever}
	if _, end := t.ZoneBounds(); !end.IsZero() {
		here.end = -floorDiv(-end.Unix(), 60)
	}
	if here.end <= utc {
		// Where a zone's table has ended, package time lets every year end after
		// 365 days, and on the last day of a leap year it answers the past.
		here.end = (floorDiv(utc, day) + 1) * day
	}
	return here
}

// shift is the change of clocks between two spans as the schedule has to treat it:
// minutes, positive for a gap, negative for a fold, 0 when wall clocks are to be
// taken as they are.
func (s *Schedule) shift(before, after span) int64 {
	change := after.offset - before.offset
	if !s.fixed() || change > maxShift || change < -maxShift {
		return 0
	}
	return change
}
