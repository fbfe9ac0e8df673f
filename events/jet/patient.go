package jet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"spool.internal/events"
	"spool.internal/events/wait"
)

// patientTry is how long one try of [Bus.Patiently] waits: an answer that died with a leader never comes.
const patientTry = 10 * time.Second

// Patiently repeats f, which a process needs before it can do anything, while the store
// does not answer: a process that starts while a stream elects its leader, as when machines
// are restarted one after the other, is to wait, not to end.
func (b *Bus) Patiently(ctx context.Context, what string, f func(context.Context) error) error {
	retry := wait.Backoff{First: 50 * time.Millisecond, Last: time.Second}
	for said := false; ; said = true {
		try, cancel := context.WithTimeout(ctx, patientTry)
		err := f(try)
		cancel()
		if err == nil || ctx.Err() != nil || !isAway(err) {
			return err
		}
		if !said {
			b.log.Warn("waiting for the store", "for", what, "error", err.Error())
		}
		if wait.Sleep(ctx, retry.Next()) != nil {
			return fmt.Errorf("%w: until then %w", context.Cause(ctx), err)
		}
	}
}

// isAway reports that the store did not answer, or that it could not do now what it was asked for.
func isAway(err error) bool {
	if api, ok := errors.AsType[*jetstream.APIError](err); ok {
		return api.Code == 503 || slices.Contains(codesAway, int(api.ErrorCode))
	}
	if _, denied := errors.AsType[*deniedError](err); denied {
		return false
	}
	for _, away := range []error{
		context.DeadlineExceeded, nats.ErrTimeout, nats.ErrNoResponders, nats.ErrConnectionReconnecting,
		nats.ErrReconnectBufExceeded, jetstream.ErrNoStreamResponse,
	} {
		if errors.Is(err, away) {
			return true
		}
	}
	return IsUnknown(err) || events.CodeOf(err) == events.Unavailable
}
