package settle

import (
	"time"

	"spool.internal/events"
)

// State of a watched folder; the package comment of watcher has a table of them.
type State int

const (
	Absent  State = iota // nothing is at the path
	Arming               // found, not yet scanned
	Live                 // watched and scanned
	Rescan               // reports were lost; a full scan is due
	Poll                 // cannot be watched
	Blocked              // cannot be read, or does not answer
)

var shownStates = [...]events.FolderState{
	events.FolderAbsent, events.FolderArming, events.FolderLive, events.FolderRescan, events.FolderPoll, events.FolderBlocked,
}

// Shown returns the state as others see it.
func (s State) Shown() events.FolderState { return shownStates[s] }

// String returns the name of the state, as the API shows it.
func (s State) String() string { return string(s.Shown()) }

// Step is what to do with a folder.
type Step int

const (
	Rest     Step = iota // nothing is due
	Check                // see whether the same directory is still at the path
	Scan                 // arm the watch, then consider the names that are not known
	FullScan             // arm the watch, then consider every file
)

// How often things are done with a folder.
const (
	checkEvery = 5 * time.Second
	fullEvery  = 10 * time.Minute
	retryFirst = time.Second // absent, blocked
	retryMost  = 5 * time.Second
	pollFirst  = time.Second
	pollMost   = 30 * time.Second

	// A folder that overflows again and again is rescanned at growing intervals, so that the rescans do not keep it
	// behind.
	freeOverflows = 3
	spaceFirst    = 100 * time.Millisecond
	spaceMost     = 10 * time.Second

	// Where rewritten files are not reported either, a full scan follows after fullPace times its own duration, but not
	// before fullPolled.
	fullPace   = 10
	fullPolled = 30 * time.Second

	sweepDoubtful  = 5 * time.Second  // the first sweep; each that finds nothing unreported doubles the interval
	maxUnannounced = 2                // files that a sweep had to find
	deafFor        = 10 * time.Minute // then a watch is tried again
)

// UnannouncedAfter is how old a file must be before it counts that it was not reported.
const UnannouncedAfter = 10 * time.Second

// Folder decides what to do with one folder next.
type Folder struct {
	most   time.Duration // the longest time between two sweeps
	sweep  time.Duration
	state  State
	since  time.Time
	reason string

	check, scan, full time.Time // when each is due
	asked             bool      // the next scan was requested by an event, not by the sweep timer
	began             time.Time // of the scan under way
	fully, sweeping   bool      // of the scan under way: it is full; it is a sweep
	retry             time.Duration
	poll              time.Duration
	overflows         int // since the last sweep without one
	unannounced       int
	deaf              time.Time // until when no watch is tried
}

// NewFolder makes a folder that has not been looked for yet; its first step is due at once. sweep is the longest time
// between two sweeps.
func NewFolder(sweep time.Duration, now time.Time) *Folder {
	return &Folder{most: sweep, sweep: sweep, state: Arming, since: now, scan: now, full: now, poll: pollFirst}
}

// Status returns the state, since when, and why it is not live.
func (f *Folder) Status() (s State, since time.Time, reason string) {
	return f.state, f.since, f.reason
}

// Away reports whether the folder cannot be looked into now.
func (f *Folder) Away() bool { return f.state == Absent || f.state == Blocked }

// Next returns the step that is due at now; with Rest, the time until one is.
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

// Missing notes that nothing is at the path.
func (f *Folder) Missing(reason string, now time.Time) { f.away(Absent, reason, now) }

// Refused notes that what is at the path cannot be read, or does not answer.
func (f *Folder) Refused(reason string, now time.Time) { f.away(Blocked, reason, now) }

func (f *Folder) away(s State, reason string, now time.Time) {
	f.retry = min(max(2*f.retry, retryFirst), retryMost)
	if f.state != s {
		f.retry = retryFirst
	}
	f.enter(s, reason, now)
	f.scan, f.full = now.Add(f.retry), now
}

// Found notes that another directory than before is at the path.
func (f *Folder) Found(t Trust, now time.Time) {
	f.enter(Arming, "", now)
	f.retry, f.poll, f.overflows, f.unannounced, f.deaf = 0, pollFirst, 0, 0, time.Time{}
	f.sweep = f.most
	if t == Doubtful {
		f.sweep = min(sweepDoubtful, f.most)
	}
	f.Doubt(now)
}

// Same notes that the same directory is still at the path.
func (f *Folder) Same(now time.Time) { f.check = now.Add(checkEvery) }

// Doubt makes a full scan due at a time: what is known may be wrong.
func (f *Folder) Doubt(at time.Time) {
	f.full = earlier(f.full, at)
	f.Again(at)
}

// Again makes a scan due at a time.
func (f *Folder) Again(at time.Time) {
	f.asked = true
	f.scan = earlier(f.scan, at)
}

// Watched notes that the directory is watched from now on.
func (f *Folder) Watched(now time.Time) {
	if f.state == Poll {
		f.enter(Arming, "", now)
	}
}

// Unwatched notes that the directory cannot be watched.
func (f *Folder) Unwatched(reason string, now time.Time) { f.enter(Poll, reason, now) }

// Unannounced notes that the scan has found a file that was not reported, though it has been there for
// [UnannouncedAfter]. After the second one the reports are no longer relied on. It reports whether the file counts: it
// does only in a sweep.
func (f *Folder) Unannounced(now time.Time) (counts bool) {
	if f.state != Live || !f.sweeping {
		return false
	}
	if f.unannounced++; f.unannounced < maxUnannounced {
		return true
	}
	f.enter(Poll, "files come without the system's reporting them", now)
	f.unannounced, f.deaf = 0, now.Add(deafFor)
	return true
}

// Deaf reports whether notifications for the directory are ignored, because they recently proved unreliable.
func (f *Folder) Deaf(now time.Time) bool { return now.Before(f.deaf) }

// Overflowed notes that reports were lost.
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

// Begun notes that a scan begins. A request for a scan that comes later is for another one.
func (f *Folder) Begun(step Step, now time.Time) {
	f.Same(now)
	f.began, f.fully, f.sweeping, f.asked = now, step == FullScan, !f.asked, false
	f.scan = now.Add(f.sweep)
	if f.fully {
		f.full = now.Add(fullEvery)
	}
}

// Scanned notes that the scan is complete, and whether it found a file that was not known.
func (f *Folder) Scanned(found bool, now time.Time) {
	switch f.state {
	case Poll:
		f.poll = min(2*f.poll, pollMost)
		if found {
			f.poll = pollFirst
		}
		f.scan = earlier(f.scan, now.Add(f.poll))
		if f.fully {
			f.full = earlier(f.full, now.Add(max(fullPace*now.Sub(f.began), fullPolled)))
		}
	case Live:
		f.overflows = 0
		f.sweep = min(2*f.sweep, f.most)
	default:
		f.enter(Live, "", now)
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func (f *Folder) enter(s State, reason string, now time.Time) {
	if f.state != s {
		f.since = now
	}
	f.state, f.reason = s, reason
}
