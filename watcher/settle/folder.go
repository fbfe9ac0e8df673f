package settle

import "time"

// State of a watched folder.
type State int

const (
	Absent State = iota
	Arming
	Live
	Rescan
	Poll
	Blocked
)

var stateNames = [...]string{"absent", "arming", "live", "rescan", "poll", "blocked"}

func (s State) String() string { return stateNames[s] }

// Step is what to do with a folder.
type Step int

const (
	Rest     Step = iota // nothing is due
	Check                // see whether the same directory is still at the path
	Scan                 // arm the watch, then look at the names that are not known
	FullScan             // arm the watch, then look at every file
)

// How often things are done with a folder.
const (
	checkEvery = 2 * time.Second
	fullEvery  = 10 * time.Minute
	retryFirst = time.Second // absent, blocked
	retryMost  = 5 * time.Second
	pollFirst  = time.Second
	pollMost   = 30 * time.Second

	// A folder that overflows again and again is rescanned at growing intervals:
	// the rescan must not be what keeps it behind.
	freeOverflows = 3
	spaceFirst    = 100 * time.Millisecond
	spaceMost     = 10 * time.Second
)

// Folder decides what to do with one folder next.
type Folder struct {
	sweep  time.Duration
	state  State
	since  time.Time
	reason string

	check, scan, full time.Time // when each is due
	retry             time.Duration
	poll              time.Duration
	overflows         int // since the last sweep without one
}

// NewFolder is a folder that nobody has looked for yet; its first step is due at once.
func NewFolder(sweep time.Duration, now time.Time) *Folder {
	return &Folder{sweep: sweep, state: Arming, since: now, scan: now, full: now, poll: pollFirst}
}

// Status tells the state, since when, and why it is not live.
func (f *Folder) Status() (s State, since time.Time, reason string) {
	return f.state, f.since, f.reason
}

// Away reports that nothing in the folder can be looked at now.
func (f *Folder) Away() bool { return f.state == Absent || f.state == Blocked }

// Next gives the step that is due at now; with Rest, the time until one is.
func (f *Folder) Next(now time.Time) (Step, time.Duration) {
	switch {
	case !f.scan.After(now) && !f.full.After(now):
		return FullScan, 0
	case !f.scan.After(now):
		return Scan, 0
	case f.Away():
		return Rest, f.scan.Sub(now)
	case !f.check.After(now):
		return Check, 0
	case f.check.Before(f.scan):
		return Rest, f.check.Sub(now)
	default:
		return Rest, f.scan.Sub(now)
	}
}

// Missing takes in that nothing is at the path.
func (f *Folder) Missing(reason string, now time.Time) { f.away(Absent, reason, now) }

// Refused takes in that what is at the path cannot be read.
func (f *Folder) Refused(reason string, now time.Time) { f.away(Blocked, reason, now) }

func (f *Folder) away(s State, reason string, now time.Time) {
	f.retry = min(max(2*f.retry, retryFirst), retryMost)
	if f.state != s {
		f.retry = retryFirst
	}
	f.enter(s, reason, now)
	f.scan, f.full = now.Add(f.retry), now
}

// Found takes in that another directory than before is at the path.
func (f *Folder) Found(now time.Time) {
	f.enter(Arming, "", now)
	f.retry, f.overflows = 0, 0
	f.Doubt(now)
}

// Same takes in that the same directory is still at the path.
func (f *Folder) Same(now time.Time) { f.check = now.Add(checkEvery) }

// Doubt makes a full scan due at a time: what is known may be wrong by then.
func (f *Folder) Doubt(at time.Time) {
	f.full = at
	f.Again(at)
}

// Again makes a scan due at a time.
func (f *Folder) Again(at time.Time) {
	if at.Before(f.scan) {
		f.scan = at
	}
}

// Watched takes in that hints arrive from now on.
func (f *Folder) Watched(now time.Time) {
	if f.state == Poll {
		f.enter(Arming, "", now)
	}
}

// Unwatched takes in that the directory cannot be watched.
func (f *Folder) Unwatched(reason string, now time.Time) { f.enter(Poll, reason, now) }

// Overflowed takes in that hints were lost.
func (f *Folder) Overflowed(now time.Time) {
	if f.Away() {
		return
	}
	if f.state == Live {
		f.enter(Rescan, "more happened at once than the system reports", now)
	}
	f.overflows++
	f.Doubt(now.Add(f.space()))
}

func (f *Folder) space() time.Duration {
	over := f.overflows - freeOverflows
	if over <= 0 {
		return 0
	}
	return min(spaceFirst<<min(over-1, 10), spaceMost)
}

// Begun takes in that a scan begins. What asks for one from now on asks for another.
func (f *Folder) Begun(step Step, now time.Time) {
	f.Same(now)
	f.scan = now.Add(f.sweep)
	if step == FullScan {
		f.full = now.Add(fullEvery)
	}
}

// Scanned takes in that the scan has come to its end, and whether it found
// anything that was not known.
func (f *Folder) Scanned(found bool, now time.Time) {
	switch f.state {
	case Poll:
		f.poll = min(2*f.poll, pollMost)
		if found {
			f.poll = pollFirst
		}
		f.Again(now.Add(f.poll))
	case Live:
		f.overflows = 0
	default:
		f.enter(Live, "", now)
	}
}

func (f *Folder) enter(s State, reason string, now time.Time) {
	if f.state != s {
		f.since = now
	}
	f.state, f.reason = s, reason
}
