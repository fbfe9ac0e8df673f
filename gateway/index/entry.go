package index

import (
	"time"

	"spool.internal/events"
)

// outcome is an [events.Outcome] in half a byte; 0 is none.
type outcome uint8

const (
	none outcome = iota
	waiting
	retrying
	running
	called
	okay
	failed
	gaveUp
	cancelled
	notKept
)

var outcomes = [...]events.Outcome{
	none: "", waiting: events.OutcomeWaiting, retrying: events.OutcomeRetrying, running: events.OutcomeRunning,
	called: events.OutcomeCalled, okay: events.OutcomeOK, failed: events.OutcomeFailed, gaveUp: events.OutcomeGaveUp,
	cancelled: events.OutcomeCancelled, notKept: events.OutcomeNotKept,
}

func outcomeOf(o events.Outcome) outcome {
	for i, other := range outcomes {
		if o == other {
			return outcome(i)
		}
	}
	return none
}

// open reports that an execution has not come to its end.
func (o outcome) open() bool { return o == waiting || o == retrying || o == running }

// bad reports that an execution has come to an end that nobody wants.
func (o outcome) bad() bool { return o == failed || o == gaveUp }

// worst is the order in which outcomes are listed.
func (o outcome) worst() int64 {
	switch o {
	case gaveUp:
		return 0
	case failed:
		return 1
	case cancelled:
		return 2
	case notKept:
		return 3
	case called:
		return 4
	case none: // never ran
		return 6
	default:
		return 5
	}
}

var kinds = [...]events.Kind{"", events.KindCron, events.KindManual, events.KindFile, events.KindRetry}

func kindOf(k events.Kind) uint8 {
	for i, other := range kinds {
		if k == other {
			return uint8(i)
		}
	}
	return 0
}

// entry is one execution: the newest result of a trigger, and what its run has said. It
// has 36 bytes and no pointer, since a million of them are kept. The zero entry is dead.
type entry struct {
	prev   uint32 // the place of the job's entry before it, plus 1; 0 = there is none
	stored uint32 // when the result was, in seconds since 1970
	at     uint32 // since when it stands as it does: the call was answered, the run started or ended
	took   uint32 // ms of the last attempt of a run that has ended
	slot   uint32 // that it was triggered by, in minutes since 1970, plus 1; 0 = it was by none

	seq     [5]byte // of the result
	trigger [6]byte // the lower part of [events.TraceOf]
	job     [3]byte // number of the job
	states  uint8   // of the call in the lower half, of the run in the upper
	kind    uint8
}

// traceMask is what an entry keeps of a trace.
const traceMask = 1<<48 - 1

func newEntry(r result) entry {
	e := entry{stored: seconds(r.stored), at: seconds(r.stored), slot: r.slot, kind: r.kind}
	put(e.seq[:], r.seq)
	put(e.trigger[:], r.trigger)
	put(e.job[:], uint64(r.job))
	e.set(r.call, none)
	return e
}

func put(b []byte, n uint64) {
	for i := range b {
		b[i] = byte(n >> (8 * i))
	}
}

func get(b []byte) (n uint64) {
	for i := range b {
		n |= uint64(b[i]) << (8 * i)
	}
	return n
}

func (e *entry) sequence() uint64   { return get(e.seq[:]) }
func (e *entry) trace() uint64      { return get(e.trigger[:]) }
func (e *entry) number() uint32     { return uint32(get(e.job[:])) }
func (e *entry) call() outcome      { return outcome(e.states & 15) }
func (e *entry) run() outcome       { return outcome(e.states >> 4) }
func (e *entry) set(c, r outcome)   { e.states = uint8(c) | uint8(r)<<4 }
func (e *entry) dead() bool         { return e.states == 0 }
func (e *entry) storedAt() int64    { return int64(e.stored) }
func (e *entry) since() time.Time   { return time.Unix(int64(e.at), 0).UTC() }
func (e *entry) kinds() events.Kind { return kinds[e.kind] }

// outcome is the worst of call and run: what the run has said, if anything.
func (e *entry) outcome() outcome {
	if r := e.run(); r != none {
		return r
	}
	return e.call()
}

// duration is how long the run took; ok is false while it is not known.
func (e *entry) duration() (d time.Duration, ok bool) {
	switch e.run() {
	case okay, failed, cancelled:
		return time.Duration(e.took) * time.Millisecond, e.took > 0
	default:
		return 0, false
	}
}

// seconds is a time as entries keep it: until 2106.
func seconds(t time.Time) uint32 { return uint32(max(0, min(t.Unix(), 1<<32-1))) }
