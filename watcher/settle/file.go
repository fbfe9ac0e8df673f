package settle

import (
	"time"

	"spool.internal/events/fileid"
)

// Stat is a snapshot of a file: inode, size and times.
type Stat = fileid.Stat

// Rule says how long a file must have been unchanged before it counts as complete.
type Rule struct {
	Quiet time.Duration // the quiet period; a read lease then proves that nobody writes
	Slow  time.Duration // where no lease can be had: between two equal stats

	Remote bool // leases prove nothing, and times are another clock's
}

// emptyFactor lengthens the quiet period of an empty file: mostly it is about to be filled.
const emptyFactor = 10

// maxBusy is the longest time between two probes of a file that somebody writes.
const maxBusy = 5 * time.Second

// Action is what to do with a file.
type Action int

const (
	Wait    Action = iota // look again later
	Probe                 // ask for a read lease, then take it as complete
	Confirm               // the same, then make sure that its content came with its name
	Ready                 // take it as complete
)

// FileState says why a file is not yet complete.
type FileState int

const (
	Young  FileState = iota // changed less than its quiet period ago
	Named                   // complete: it was renamed or linked in, so its content is whole
	Marked                  // complete: its marker says so
	Held                    // a program writes it, or it cannot be read
	Slow                    // no lease can be had: it must stay unchanged for longer
)

var fileStateNames = [...]string{"young", "named", "marked", "held", "slow"}

// String returns the name of the state, as the table of the package comment of watcher has it.
func (s FileState) String() string { return fileStateNames[s] }

// File decides when one file is complete. Its zero value has seen nothing.
type File struct {
	stat   Stat
	since  time.Time // when stat was first seen
	named  bool      // the name is new, and nothing was written under it
	marked bool      // its marker says that it is complete
	slow   bool      // no lease can be had
	step   time.Duration
	retry  time.Time // not to be probed before
}

// State says why the file is not yet complete.
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

// Named notes that the name is new: by a rename, a link or the creation of an empty file.
func (f *File) Named() { *f = File{named: true} }

// Written notes that something was written under the name, or may have been.
func (f *File) Written() { f.named = false }

// Mark notes that the file's marker says that it is complete.
func (f *File) Mark() { f.marked = true }

// Observe notes a stat of the file, and returns what to do; with Wait, for how long.
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
	case f.cameWhole():
		return Confirm, 0
	default:
		return Probe, 0
	}
}

// cameWhole reports whether the content may have come with the name.
func (f *File) cameWhole() bool { return f.named && !f.marked && f.stat.Size > 0 }

// For is how long the file must be left alone.
func (r Rule) For(f *File) time.Duration {
	switch {
	case f.slow || r.Remote:
		return r.Slow
	case f.stat.Size == 0:
		return r.Quiet * emptyFactor
	}
	return r.Quiet
}

func (f *File) wait(r Rule, now time.Time) time.Duration {
	busy := f.retry.Sub(now)
	switch {
	case f.marked:
		return busy
	case f.slow || r.Remote:
		return max(busy, r.Slow-now.Sub(f.since))
	case f.cameWhole():
		return busy
	}
	// Modification times can be set to anything, change times cannot. A time in the future says nothing, so then only
	// the interval between stats counts.
	age := now.Sub(time.Unix(0, max(f.stat.Modified, f.stat.Changed)))
	if age < 0 {
		age = now.Sub(f.since)
	}
	return max(busy, r.For(f)-age)
}

// Busy notes that the file could not be taken: somebody writes it, or it may not be read. It returns the time to the
// next try.
func (f *File) Busy(r Rule, now time.Time) time.Duration {
	f.step = min(max(2*f.step, r.Quiet), maxBusy)
	f.retry = now.Add(f.step)
	return f.step
}

// NoLease notes that no lease can be had for this file, whoever writes.
func (f *File) NoLease(r Rule, now time.Time) (Action, time.Duration) {
	f.slow = true
	return f.Observe(r, f.stat, now)
}

// Marks reports whether a marker is about the file as it is now, and not as it was before it was rewritten.
func Marks(marker, file Stat, now time.Time) bool {
	return max(marker.Modified, marker.Changed) >= file.Modified || file.Modified > now.UnixNano()
}
