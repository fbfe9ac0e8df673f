package settle

import (
	"time"

	"spool.internal/events/fileid"
)

// Stat is what one look at a file saw.
type Stat = fileid.Stat

// Rule says how long a file must have been left alone.
type Rule struct {
	Quiet time.Duration // where a read lease then proves that nobody writes
	Slow  time.Duration // where no lease is to be had: between two equal looks

	Remote bool // leases say nothing, and times are another clock's
}

// An empty file is more often one that is about to be filled.
const emptyFactor = 10

// maxBusy bounds how long a writer's going away can stay unnoticed.
const maxBusy = 5 * time.Second

// Action is what to do with a file.
type Action int

const (
	Wait    Action = iota // look again later
	Probe                 // ask for a read lease, then take it as complete
	Confirm               // the same, then make sure that its content came with its name
	Ready                 // take it as complete
)

// FileState is what a file is waited for.
type FileState int

const (
	Young  FileState = iota // to be left alone for the quiet time
	Named                   // nothing: its name is new, and content that came with a name is whole
	Marked                  // nothing: somebody says that it is whole
	Held                    // whoever may be writing it
	Slow                    // to be left alone for longer, there being no leases
)

var fileStateNames = [...]string{"young", "named", "marked", "held", "slow"}

func (s FileState) String() string { return fileStateNames[s] }

// File decides when one file is complete. Its zero value has seen nothing.
type File struct {
	stat   Stat
	since  time.Time // of the first look that saw stat
	named  bool      // the name is new, and nothing was written under it
	marked bool      // its marker says that it is complete
	slow   bool      // no lease is to be had
	step   time.Duration
	retry  time.Time // not to be probed before
}

// State tells what the file is waited for.
func (f *File) State() FileState {
	switch {
	case f.step > 0:
		return Held
	case f.marked:
		return Marked
	case f.slow:
		return Slow
	case f.named:
		return Named
	default:
		return Young
	}
}

// Named takes in that the name has come just now, whether by a rename, a link or
// the creation of an empty file.
func (f *File) Named() { *f = File{named: true} }

// Written takes in that something was written under the name, or may have been.
func (f *File) Written() { f.named = false }

// Mark takes in that the file's marker says that it is complete.
func (f *File) Mark() { f.marked = true }

// Observe takes in a look at the file. With Wait comes how long.
func (f *File) Observe(r Rule, s Stat, now time.Time) (Action, time.Duration) {
	if s != f.stat || f.since.IsZero() {
		*f = File{stat: s, since: now, named: f.named && f.since.IsZero(), marked: f.marked}
	}
	if wait := f.wait(r, now); wait > 0 {
		return Wait, wait
	}
	switch {
	case f.slow || r.Remote:
		return Ready, 0
	case f.whole():
		return Confirm, 0
	default:
		return Probe, 0
	}
}

// whole reports that the content may have come with the name.
func (f *File) whole() bool { return f.named && !f.marked && f.stat.Size > 0 }

func (f *File) wait(r Rule, now time.Time) time.Duration {
	busy := f.retry.Sub(now)
	switch {
	case f.marked:
		return busy
	case f.slow || r.Remote:
		return max(busy, r.Slow-now.Sub(f.since))
	case f.whole():
		return busy
	}
	quiet := r.Quiet
	if f.stat.Size == 0 {
		quiet *= emptyFactor
	}
	// Modification times can be set to anything, change times cannot; a time in
	// the future says nothing, so only the interval between looks counts.
	age := now.Sub(time.Unix(0, max(f.stat.Modified, f.stat.Changed)))
	if age < 0 {
		age = now.Sub(f.since)
	}
	return max(busy, quiet-age)
}

// Busy takes in that the file could not be had: somebody writes, or it may not
// be read. It gives the time to the next try.
func (f *File) Busy(r Rule, now time.Time) time.Duration {
	f.step = min(max(2*f.step, r.Quiet), maxBusy)
	f.retry = now.Add(f.step)
	return f.step
}

// NoLease takes in that a lease is not to be had for this file, whoever writes.
func (f *File) NoLease(r Rule, now time.Time) (Action, time.Duration) {
	f.slow = true
	return f.Observe(r, f.stat, now)
}

// Marks reports whether a marker speaks of what a file is now, and not of what
// it was before it was written again.
func Marks(marker, file Stat, now time.Time) bool {
	return max(marker.Modified, marker.Changed) >= file.Modified || file.Modified > now.UnixNano()
}
