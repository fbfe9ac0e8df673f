package jet

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nuid"

	"spool.internal/events"
	"spool.internal/events/faultpoint"
	"spool.internal/events/wait"
)

// End is how a trigger came to its end, as the ledger knows it until the trigger
// is out of its queue: with a result, or with a verdict.
type End struct {
	Sequence uint64          `json:"seq"` // of the trigger in its queue
	Result   *events.Result  `json:"result,omitempty"`
	Verdict  *events.Verdict `json:"verdict,omitempty"`
}

// Ends is the ledger of how the triggers of one stream came to their ends. An
// entry is made before the result is stored where everybody sees it, and holds it:
// so a trigger that comes again is never called again, however few results are
// kept, and its result is stored if it was not. Those who enter at the same time
// share a message.
type Ends struct {
	bus    *Bus
	stream string
	writer string

	mu      sync.Mutex
	waiting []*ending
	busy    bool
	written int
	open    []*entry          // whose triggers are not all out of the queue, oldest first
	of      map[uint64]*entry // by the sequence of a trigger
	purging bool

	reading sync.Mutex // held by who reads the ledger
	read    uint64     // what others entered is known up to this sequence

	look   sync.Mutex
	known  map[uint64]End // what others entered
	readAt time.Time      // as it was then
	wanted time.Time      // as it will have to be known
	ahead  bool           // readAhead runs
}

type ending struct {
	sequence uint64
	head     string // of its text, before the value
	value    []byte
	done     chan error // of size 1
}

// size is that of its text.
func (w *ending) size() int { return len(w.head) + len(w.value) + len("},") }

// entry is one message of the ledger.
type entry struct {
	sequence uint64
	left     int // triggers that are not known to be out of the queue
}

// Bounds of one message of the ledger, and how often entries are taken out that
// nobody needs any more.
const (
	endsBytes  = 384 << 10
	purgeEvery = 500 * time.Millisecond
	pace       = time.Millisecond // between two messages, so that more share one
)

// FileEnds is the ledger of files.
func (b *Bus) FileEnds() *Ends { return b.newEnds(streamFiles) }

// TriggerEnds is the ledger of the other triggers.
func (b *Bus) TriggerEnds() *Ends { return b.newEnds(streamTriggers) }

// Entries is the whole ledger, of whichever process.
func (e *Ends) Entries() View[[]End] { return view[[]End](e.bus, e.stream, doneFilter(e.stream)) }

// Stream names the stream whose triggers it is about, for logs.
func (e *Ends) Stream() string { return e.stream }

// newEnds gives the ledger of one stream to one process.
func (b *Bus) newEnds(stream string) *Ends {
	return &Ends{bus: b, stream: stream, writer: nuid.Next(), of: map[uint64]*entry{}, known: map[uint64]End{}}
}

// PutResult enters a result.
func (e *Ends) PutResult(ctx context.Context, sequence uint64, result EncodedResult) error {
	return e.put(ctx, sequence, `{"seq":`+strconv.FormatUint(sequence, 10)+`,"result":`, result.m.Data)
}

// PutVerdict enters a verdict.
func (e *Ends) PutVerdict(ctx context.Context, sequence uint64, v events.Verdict) error {
	return e.put(ctx, sequence, `{"seq":`+strconv.FormatUint(sequence, 10)+`,"verdict":`, body(v))
}

func (e *Ends) put(ctx context.Context, sequence uint64, head string, value []byte) error {
	w := &ending{sequence, head, value, make(chan error, 1)}
	recordOut(doneSubject(e.stream, e.writer, 0))
	e.mu.Lock()
	e.waiting = append(e.waiting, w)
	if !e.busy {
		e.busy = e.bus.task(e.write)
	}
	e.mu.Unlock()
	select {
	case err := <-w.done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrUnknown, context.Cause(ctx))
	case <-e.bus.life.Done():
		return fmt.Errorf("%w: %w", ErrUnknown, nats.ErrConnectionClosed)
	}
}

// write stores what waits, one message after the other.
func (e *Ends) write() {
	var data []byte // used again: nobody holds it once it is committed
	for {
		part, subject := e.next()
		if part == nil {
			return
		}
		data = appendEnds(data[:0], part)
		m := message{Subject: subject, Data: data, Expect: new(uint64(0))}
		seq, err := e.bus.commitAnyway(e.bus.life, e.stream, m) // also where there is no room: it empties the queue
		if err == nil {
			e.note(seq, part)
		}
		for _, w := range part {
			w.done <- err
		}
		if len(part) > 1 { // one alone has nobody to share with
			_ = wait.Sleep(e.bus.life, pace)
		}
	}
}

// appendEnds adds the body of a message.
func appendEnds(to []byte, part []*ending) []byte {
	size := len("[]")
	for _, w := range part {
		size += w.size()
	}
	to = append(slices.Grow(to, size), '[')
	for i, w := range part {
		if i > 0 {
			to = append(to, ',')
		}
		to = append(append(append(to, w.head...), w.value...), '}')
	}
	return append(to, ']')
}

func (e *Ends) next() (part []*ending, subject string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := 0
	for size := 0; n < len(e.waiting) && (n == 0 || size < endsBytes); n++ {
		size += e.waiting[n].size()
	}
	part, e.waiting = e.waiting[:n:n], e.waiting[n:]
	if n == 0 {
		e.waiting, e.busy = nil, false
		return nil, ""
	}
	e.written++
	return part, doneSubject(e.stream, e.writer, e.written)
}

func (e *Ends) note(seq uint64, part []*ending) {
	one := &entry{sequence: seq, left: len(part)}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.open = append(e.open, one)
	for _, w := range part {
		if former := e.of[w.sequence]; former != nil {
			former.left--
		}
		e.of[w.sequence] = one
	}
}

// Gone notes that triggers are out of their queue: what the ledger says of them
// may go. It is for [Queue.Gone].
func (e *Ends) Gone(sequences []uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, seq := range sequences {
		if one := e.of[seq]; one != nil {
			one.left--
			delete(e.of, seq)
		}
	}
	if len(e.open) > 0 && e.open[0].left == 0 && !e.purging {
		e.purging = e.bus.task(e.purge)
	}
}

// purge takes out entries whose triggers are all gone, up to the first whose are not.
func (e *Ends) purge() {
	for next := purgeEvery; wait.Sleep(e.bus.life, next) == nil; {
		upTo := uint64(0)
		e.mu.Lock()
		for len(e.open) > 0 && e.open[0].left == 0 {
			upTo = e.open[0].sequence
			e.open = e.open[1:]
		}
		if upTo == 0 {
			e.purging = false
			e.mu.Unlock()
			return
		}
		e.mu.Unlock()
		began := time.Now()
		err := e.bus.purge(e.bus.life, e.stream, purgeRequest{Filter: doneByFilter(e.stream, e.writer), Before: upTo + 1})
		next = max(purgeEvery, tidyShare*time.Since(began))
		faultpoint.Hit(faultpoint.EndsPurged)
		if err != nil {
			e.bus.log.Debug("entries of the ledger stay for now", "error", err.Error()) // the next purge takes them, or Sweep
		}
	}
}
