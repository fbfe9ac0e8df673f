package jet

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"spool.internal/events"
)

// denials are what the server did not allow, by what it was. Whoever asks hears no more
// of it from the server than that nobody answers; so it is told here.
type denials struct {
	mu      sync.Mutex
	at      map[string]time.Time // by what is not allowed, as [denialOf] says it
	waiting map[*waiter]struct{}
}

// waiter is somebody who waits for an answer that a denial is in place of.
type waiter struct {
	of  func(subject string) bool
	end context.CancelCauseFunc
}

const (
	deniedFor  = 10 * time.Minute // how long a denial is shown
	deniedMost = 100              // how many are kept
	deniedSaid = 3                // how many are named
)

// deniedError is a denial in its own words.
type deniedError struct{ what string }

func (e *deniedError) Error() string { return e.what }

// Unwrap makes it a fault that may be shown.
func (e *deniedError) Unwrap() error {
	return &events.Error{Code: events.Unavailable, Message: "the store cannot be used: " + e.what}
}

// denialOf reads what the server says: Permissions Violation for Publish to "x".
func denialOf(text string) (what, subject string) {
	_, rest, found := strings.Cut(text, `"`)
	subject, _, closed := strings.Cut(rest, `"`)
	if !found || !closed {
		return "not allowed: " + text, ""
	}
	if strings.Contains(strings.ToLower(text[:strings.Index(text, `"`)]), "subscription") {
		return "not allowed to subscribe to " + subject, subject
	}
	return "not allowed to publish " + subject, subject
}

// deny notes what the server does not allow, and ends the wait of who asked for it.
func (b *Bus) deny(what, subject string) {
	d := &b.denials
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.at == nil {
		d.at = map[string]time.Time{}
	}
	maps.DeleteFunc(d.at, func(_ string, at time.Time) bool { return time.Since(at) > deniedFor })
	if len(d.at) < deniedMost {
		d.at[what] = time.Now()
	}
	for w := range d.waiting {
		if subject != "" && w.of(subject) {
			w.end(&deniedError{what})
		}
	}
}

// err is what is not allowed, as far as it was said lately.
func (d *denials) err() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var lately []string
	for _, what := range slices.Sorted(maps.Keys(d.at)) {
		if time.Since(d.at[what]) < deniedFor {
			lately = append(lately, what)
		}
	}
	if len(lately) == 0 {
		return nil
	}
	text := strings.Join(lately[:min(len(lately), deniedSaid)], ", ")
	if more := len(lately) - deniedSaid; more > 0 {
		text = fmt.Sprintf("%s and %d more", text, more)
	}
	return errors.New(text + ": --nats-creds are of another role or version")
}

// heeding is a context that a denial ends. Its error is then that of silence, and
// [deniedOr] says what it was.
type heeding struct {
	context.Context
	asker context.Context
}

func (h heeding) Err() error {
	if h.Context.Err() == nil {
		return nil
	}
	if err := h.asker.Err(); err != nil {
		return err
	}
	return context.DeadlineExceeded
}

// untilDenied ends a wait when the server says that one of the subjects is not allowed.
func (b *Bus) untilDenied(ctx context.Context, of func(subject string) bool) (context.Context, func()) {
	limited, end := context.WithCancelCause(ctx)
	w := &waiter{of, end}
	d := &b.denials
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.waiting == nil {
		d.waiting = map[*waiter]struct{}{}
	}
	d.waiting[w] = struct{}{}
	return heeding{limited, ctx}, func() {
		d.mu.Lock()
		delete(d.waiting, w)
		d.mu.Unlock()
		end(nil)
	}
}

// deniedOr is err, or the denial that ended ctx.
func deniedOr(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if denied, ok := errors.AsType[*deniedError](context.Cause(ctx)); ok {
		return denied
	}
	return err
}
