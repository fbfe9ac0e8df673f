package jet

import (
	"context"
	"time"

	"spool.internal/events"
)

// View is a typed view of messages of one stream that belong together: the results
// of a job, the phases of a run, what waits in a queue. The roles of this package give
// views ([Bus.Results], [Bus.Runs], …); the zero view is empty.
//
// A view costs nothing before one of its methods is called, and each call asks the
// broker anew.
type View[T any] struct {
	bus    *Bus
	stream string
	of     []string // subjects, or filters
	sure   bool
}

// Entry is a value as its stream holds it.
type Entry[T any] struct{ Stored }

// Value reads the body. The error says that it is of another version of Spool.
func (e Entry[T]) Value() (T, error) {
	v, err := decode[T](e.Stored)
	if d, ok := any(&v).(*events.DeadLetter); ok {
		d.Seq, d.At = e.Sequence, e.Time
	}
	return v, err
}

// Stream names the stream, for logs.
func (v View[T]) Stream() string { return v.stream }

// Sure is the view for who decides by it that something is not there, or deletes: Since,
// Each, All, LastEach and Known then show all that was stored before they were called,
// whichever copy of the stream answers. It costs a question to the leader.
func (v View[T]) Sure() View[T] {
	v.sure = true
	return v
}

// And adds what other views of the same stream show. It is for `v = v.And(w)`.
func (v View[T]) And(others ...View[T]) View[T] {
	for _, o := range others {
		v.bus, v.stream, v.of = o.bus, o.stream, append(v.of, o.of...)
	}
	return v
}

// Since calls f with what was stored at or after t, oldest first, until f answers
// false. Of several views in one the first is read to its end, then the next.
func (v View[T]) Since(ctx context.Context, t time.Time, f func(Entry[T]) bool) error {
	more := true
	for _, filter := range v.of {
		since := v.bus.since
		if v.sure {
			since = v.bus.sinceSure
		}
		err := since(ctx, v.stream, filter, t, func(m Stored) bool {
			more = f(Entry[T]{m})
			return more
		})
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// Each calls f with all that is stored, oldest first; what is of another version is
// left out.
func (v View[T]) Each(ctx context.Context, f func(T)) error {
	return v.Since(ctx, time.Time{}, func(e Entry[T]) bool {
		if value, err := e.Value(); err == nil {
			f(value)
		}
		return true
	})
}

// All reads all that is stored, oldest first; what is of another version is left out.
func (v View[T]) All(ctx context.Context) (all []T, err error) {
	err = v.Each(ctx, func(value T) { all = append(all, value) })
	return all, err
}

// Last asks the leader for the newest: it shows its own and everybody's writes. found
// is false when there is none. It is the barrier for what must not be missed.
func (v View[T]) Last(ctx context.Context) (e Entry[T], found bool, err error) {
	m, found, err := v.bus.last(ctx, v.stream, v.of[0])
	return Entry[T]{m}, found, err
}

// LastEach calls f with the newest of each subject, in no order.
func (v View[T]) LastEach(ctx context.Context, f func(Entry[T])) error {
	if len(v.of) == 0 {
		return nil
	}
	lastOf := v.bus.lastOf
	if v.sure {
		lastOf = v.bus.lastOfSure
	}
	return lastOf(ctx, v.stream, v.of, func(m Stored) { f(Entry[T]{m}) })
}

// Newest calls f with entries, newest first, until f answers false. before is a
// sequence: only older ones are shown; 0 means all. It reads one message at a time, so
// that its memory does not grow with the stream. Each part of the view has to be one
// subject: a job's, and not everybody's.
func (v View[T]) Newest(ctx context.Context, before uint64, f func(Entry[T]) bool) error {
	if len(v.of) == 0 {
		return nil
	}
	return v.bus.newest(ctx, v.stream, v.of, before, func(m Stored) bool { return f(Entry[T]{m}) })
}

// Known tells, for each of the views that are joined in this one, in their order, whether
// anything is stored there. Each has to be one subject.
func (v View[T]) Known(ctx context.Context) ([]bool, error) {
	if len(v.of) == 0 {
		return nil, nil
	}
	if v.sure {
		return v.bus.knownSure(ctx, v.stream, v.of)
	}
	return v.bus.known(ctx, v.stream, v.of)
}

// Count tells how many messages there are.
func (v View[T]) Count(ctx context.Context) (n int, err error) {
	for _, filter := range v.of {
		part, err := v.bus.count(ctx, v.stream, filter)
		if err != nil {
			return n, err
		}
		n += part
	}
	return n, nil
}

// CountByJob tells how many messages each job has.
func (v View[T]) CountByJob(ctx context.Context) (map[string]int, error) {
	counts := map[string]int{}
	for _, filter := range v.of {
		subjects, err := v.bus.subjects(ctx, v.stream, filter)
		if err != nil {
			return nil, err
		}
		for s, n := range subjects {
			if sub, err := parseSubject(s); err == nil {
				counts[sub.JobID] += int(n)
			}
		}
	}
	return counts, nil
}

// Put stores a value where only the newest counts, or all do. What has to be the first
// or the next of its kind has a method of [Bus] of its own.
func (v View[T]) Put(ctx context.Context, value T) (seq uint64, err error) {
	return v.bus.commit(ctx, v.stream, message{Subject: v.of[0], Data: body(value)})
}

// Clear takes everything out.
func (v View[T]) Clear(ctx context.Context) error { return v.Keep(ctx, 0) }

// Keep takes everything out but the newest n of each part of the view.
func (v View[T]) Keep(ctx context.Context, n int) error {
	for _, filter := range v.of {
		if err := v.bus.purge(ctx, v.stream, purgeRequest{Filter: filter, Keep: n}); err != nil {
			return err
		}
	}
	return nil
}

// Drop takes messages out by their sequences; what is gone already does not count.
func (v View[T]) Drop(ctx context.Context, seqs []uint64) error {
	return v.bus.dropEach(ctx, v.stream, seqs)
}

// Follow calls f with every message, in order and from one goroutine, until ctx ends.
// It survives lost connections and restarted servers; the last message before such a
// break may come twice. It returns before ctx ends only when it was cut off so long
// that messages may have gone unseen.
func (v View[T]) Follow(ctx context.Context, from From, f func(Entry[T])) error {
	return v.follow(ctx, follow{From: from}, f)
}

// FollowHeads is Follow without the bodies: of its entries the value cannot be read.
func (v View[T]) FollowHeads(ctx context.Context, from From, f func(Entry[T])) error {
	return v.follow(ctx, follow{From: from, Headers: true}, f)
}

// FollowAfter is Follow of what stands behind a sequence.
func (v View[T]) FollowAfter(ctx context.Context, seq uint64, f func(Entry[T])) error {
	return v.follow(ctx, follow{From: Beginning, After: seq}, f)
}

// FollowHeadsAfter is FollowHeads of what stands behind a sequence.
func (v View[T]) FollowHeadsAfter(ctx context.Context, seq uint64, f func(Entry[T])) error {
	return v.follow(ctx, follow{From: Beginning, After: seq, Headers: true}, f)
}

// FollowSince is Follow of what was stored at or after a time.
func (v View[T]) FollowSince(ctx context.Context, t time.Time, f func(Entry[T])) error {
	return v.follow(ctx, follow{From: Since, Time: t}, f)
}

// First reads the oldest message that is kept; found is false when there is none.
func (v View[T]) First(ctx context.Context) (e Entry[T], found bool, err error) {
	err = v.bus.direct(ctx, v.stream, map[string]any{"next_by_subj": v.of[0], "seq": 1}, func(m Stored) bool {
		e, found = Entry[T]{m}, true
		return false
	})
	return e, found, err
}

func (v View[T]) follow(ctx context.Context, w follow, f func(Entry[T])) error {
	w.Stream, w.Filters = v.stream, v.of
	return v.bus.follow(ctx, w, func(m Stored) { f(Entry[T]{m}) })
}

// Hint calls f with the job of every message that somebody tries to publish, stored or
// not. It is for waking up early, never for knowing.
func (v View[T]) Hint(f func(jobID string)) error {
	return v.bus.hint(v.of[0], func(subject string) {
		if sub, err := parseSubject(subject); err == nil {
			f(sub.JobID)
		}
	})
}

// Queue is a durable consumer of the view, as [Bus.Pull] reads it.
func (v View[T]) Queue(name string, pending int) Queue {
	return Queue{stream: v.stream, Name: name, filter: v.of[0], Pending: pending, keeps: v.stream == streamFiles}
}

// view makes a view of one subject or filter.
func view[T any](b *Bus, stream, of string) View[T] {
	return View[T]{bus: b, stream: stream, of: []string{of}}
}

// orAll gives the filter of all where no job is named.
func orAll(jobID, all string, one func(string) string) string {
	if jobID == "" {
		return all
	}
	return one(jobID)
}
