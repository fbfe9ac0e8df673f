package jet

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/wait"
)

// A direct get is answered by any copy of a stream, and a copy that lags shows the past: what
// was committed a moment ago is not there yet. That is good enough to show, and to try what the
// commit compares. Who decides that something is not there, or deletes, reads "surely": what is
// read has passed the last message that the leader had when it was asked. A stream with one copy
// needs none of it, and is not asked.
//
// The leader's word is no quorum read: one that is cut off answers for some seconds more.

// How long a copy may lag before who reads surely gives up, and how long it counts that a stream
// has one copy.
const (
	surePatience = 10 * time.Second
	singleFor    = 30 * time.Second
	sureAtOnce   = 16 // questions to the leader about single subjects
)

// copies knows which streams have more than one copy.
type copies struct {
	mu     sync.Mutex
	many   map[string]bool
	single map[string]time.Time // until when that counts
}

// copied reports whether a stream has more than one copy. When it cannot be told it has.
func (b *Bus) copied(ctx context.Context, stream string) bool {
	if b.beside() {
		return false
	}
	c := &b.copies
	c.mu.Lock()
	many, single := c.many[stream], time.Now().Before(c.single[stream])
	c.mu.Unlock()
	if many || single {
		return many
	}
	ctx, cancel := b.asking(ctx, stream, 2*time.Second)
	defer cancel()
	answer, err := b.api(ctx, streamInfo, stream, struct{}{})
	var info struct {
		Config struct {
			Replicas int `json:"num_replicas"`
		} `json:"config"`
	}
	if err != nil || json.Unmarshal(answer.Data, &info) != nil || info.Config.Replicas == 0 {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.many == nil {
		c.many, c.single = map[string]bool{}, map[string]time.Time{}
	}
	if many = info.Config.Replicas > 1; many {
		c.many[stream] = true
	} else {
		c.single[stream] = time.Now().Add(singleFor)
	}
	return many
}

// sinceSure is since, read surely.
func (b *Bus) sinceSure(ctx context.Context, stream, filter string, t time.Time, f func(Stored) bool) error {
	if t.IsZero() {
		return b.afterSure(ctx, stream, filter, 0, f)
	}
	request := map[string]any{"next_by_subj": filter, "batch": 256, "start_time": t.UTC()}
	return b.sure(ctx, stream, request, func(last Stored) bool { return last.Time.Before(t) }, f)
}

// afterSure is after, read surely.
func (b *Bus) afterSure(ctx context.Context, stream, filter string, seq uint64, f func(Stored) bool) error {
	request := map[string]any{"next_by_subj": filter, "batch": 256, "seq": seq + 1}
	return b.sure(ctx, stream, request, func(last Stored) bool { return last.Sequence <= seq }, f)
}

// sure asks for what follows on a filter (next_by_subj) until it has passed what the leader has
// last of it, or that is gone; none says of that message that it lies before all that is wanted.
func (b *Bus) sure(ctx context.Context, stream string, request map[string]any, none func(Stored) bool, f func(Stored) bool) error {
	if !b.copied(ctx, stream) {
		return b.next(ctx, stream, request, f)
	}
	filter, _ := request["next_by_subj"].(string)
	var reached uint64
	over := false
	deadline := time.Now().Add(surePatience)
	for retry := (wait.Backoff{First: 2 * time.Millisecond, Last: 50 * time.Millisecond}); ; {
		last, found, err := b.last(ctx, stream, filter)
		if err != nil || !found || none(last) || last.Sequence <= reached {
			return err
		}
		was := reached
		err = b.next(ctx, stream, request, func(m Stored) bool {
			reached = m.Sequence
			over = !f(m)
			return !over
		})
		if err != nil || over || reached >= last.Sequence {
			return err
		}
		if reached > was {
			deadline = time.Now().Add(surePatience)
			delete(request, "start_time")
			request["seq"] = reached + 1
		}
		if time.Now().After(deadline) {
			return behind(stream)
		}
		if err := retry.Wait(ctx); err != nil {
			return fmt.Errorf("read %s: %w", stream, b.fault(stream, err))
		}
	}
}

func behind(stream string) error {
	return &events.Error{Code: events.Unavailable, Message: "a copy of " + stream + " is behind: try again later"}
}

// knownSure is known, with the leader's word on each subject that a copy does not have.
func (b *Bus) knownSure(ctx context.Context, stream string, subjects []string) ([]bool, error) {
	known, err := b.known(ctx, stream, subjects)
	if err != nil || !b.copied(ctx, stream) {
		return known, err
	}
	var absent []int
	var ask []string
	for i, k := range known {
		if !k {
			absent, ask = append(absent, i), append(ask, subjects[i])
		}
	}
	err = b.eachLast(ctx, stream, ask, func(i int, _ Stored) { known[absent[i]] = true })
	return known, err
}

// lastOfSure is lastOf by the leader's word.
func (b *Bus) lastOfSure(ctx context.Context, stream string, subjects []string, f func(Stored)) error {
	if !b.copied(ctx, stream) {
		return b.lastOf(ctx, stream, subjects, f)
	}
	return b.eachLast(ctx, stream, subjects, func(_ int, m Stored) { f(m) })
}

// eachLast asks the leader for the last message of each of the subjects, some at a time, and
// calls f from one goroutine at a time with those that there are.
func (b *Bus) eachLast(ctx context.Context, stream string, subjects []string, f func(i int, m Stored)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var mu sync.Mutex
	var first error
	var wg sync.WaitGroup
	slots := make(chan struct{}, sureAtOnce)
	for i, subject := range subjects {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			m, found, err := b.last(ctx, stream, subject)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil && first == nil:
				first = err
				cancel(err)
			case err == nil && found:
				f(i, m)
			}
		})
	}
	wg.Wait()
	return first
}

// holdsSure is holds, with the leader's word when a copy has nothing.
func (b *Bus) holdsSure(ctx context.Context, stream, filter string) (found bool, err error) {
	found, err = b.holds(ctx, stream, filter)
	if err != nil || found || !b.copied(ctx, stream) {
		return found, err
	}
	_, found, err = b.last(ctx, stream, filter)
	return found, err
}

// getSure is get, with the leader's word when a copy does not have the message.
func (b *Bus) getSure(ctx context.Context, stream string, seq uint64) (m Stored, found bool, err error) {
	m, found, err = b.get(ctx, stream, seq)
	if err != nil || found || !b.copied(ctx, stream) {
		return m, found, err
	}
	ctx, cancel := b.asking(ctx, stream, questionAlone)
	defer cancel()
	answer, err := b.api(ctx, streamGet, stream, map[string]uint64{"seq": seq})
	if err != nil {
		return Stored{}, false, fmt.Errorf("read %s: %w", stream, b.fault(stream, err))
	}
	var r struct {
		Error *apiFault `json:"error"`
	}
	switch err := json.Unmarshal(answer.Data, &r); {
	case err != nil:
		return Stored{}, false, fmt.Errorf("read %s: %w", stream, err)
	case r.Error != nil && r.Error.ErrCode == codeNoMessage:
		return Stored{}, false, nil
	case r.Error != nil:
		return Stored{}, false, fmt.Errorf("read %s: %w", stream, b.apiError(stream, *r.Error))
	}
	// The leader has it: so will the copy that is asked next, or the one after that.
	deadline := time.Now().Add(surePatience)
	for retry := (wait.Backoff{First: 2 * time.Millisecond, Last: 50 * time.Millisecond}); time.Now().Before(deadline); {
		if m, found, err = b.get(ctx, stream, seq); err != nil || found {
			return m, found, err
		}
		if err := retry.Wait(ctx); err != nil {
			return Stored{}, false, fmt.Errorf("read %s: %w", stream, b.fault(stream, err))
		}
	}
	return Stored{}, false, behind(stream)
}

// onItsWay is how long what has won a claim is waited for: with more than one copy the leader
// refuses the next claim as soon as it has sent the first to the others.
const onItsWay = 2 * time.Second

// untilThere asks, after a conflict, until there is what was first; it gives up when that takes
// longer than a commit does, with no error.
func (b *Bus) untilThere(ctx context.Context, stream string, ask func() (there bool, err error)) error {
	deadline := time.Now().Add(onItsWay)
	for retry := (wait.Backoff{First: 2 * time.Millisecond, Last: 50 * time.Millisecond}); ; {
		there, err := ask()
		if err != nil || there || time.Now().After(deadline) || !b.copied(ctx, stream) {
			return err
		}
		if err := retry.Wait(ctx); err != nil {
			return err
		}
	}
}
