package settle

import "time"

// Stat is what one look at a file saw. Any difference between two means that
// the file was touched in between.
type Stat struct {
	Inode    uint64
	Birth    int64 // ns since 1970; 0 where the file system does not tell
	Size     int64 // bytes
	Modified int64 // ns since 1970
	Changed  int64 // of the inode, ns since 1970; Modified where the system has none
}

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
	Wait  Action = iota // look again later
	Probe               // ask for a read lease, then take it as complete
	Ready               // take it as complete
)

// File decides when one file is complete. Its zero value has seen nothing.
type File struct {
	stat  Stat
	since time.Time // of the first look that saw stat
	slow  bool      // no lease is to be had
	step  time.Duration
	retry time.Time // not to be probed before
}

// Observe takes in a look at the file. With Wait comes how long.
func (f *File) Observe(r Rule, s Stat, now time.Time) (Action, time.Duration) {
	if s != f.stat || f.since.IsZero() {
		*f = File{stat: s, since: now}
	}
	if f.slow || r.Remote {
		if wait := r.Slow - now.Sub(f.since); wait > 0 {
			return Wait, wait
		}
		return Ready, 0
	}
	quiet := r.Quiet
	if s.Size == 0 {
		quiet *= emptyFactor
	}
	// Modification times can be set to anything, change times cannot; a time in
	// the future says nothing, so only the interval between looks counts.
	age := now.Sub(time.Unix(0, max(s.Modified, s.Changed)))
	if age < 0 {
		age = now.Sub(f.since)
	}
	if wait := max(quiet-age, f.retry.Sub(now)); wait > 0 {
		return Wait, wait
	}
	return Probe, 0
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
