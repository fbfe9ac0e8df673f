package jet

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"spool.internal/events"
)

// Codes of JetStream that carry meaning here.
const (
	codeWrongLastSeq        = 10071 // the subject has another last sequence: somebody was first
	codeWrongLastSeqCluster = 10164 // the same, on a replicated stream
	codeStoreFailed         = 10077 // a limit of the stream is reached
	codeNoResources         = 10023 // a limit of the store is reached
	codeNoMessage           = 10037 // nothing there
	codeNotNow              = 10008 // JetStream has no leader, or is being shut down
	codeNoPeers             = 10009 // a cluster is short of servers
	codeBatchIncomplete     = 10176 // part of the batch did not arrive; none of it is stored
	codeTooManyBatches      = 10210 // too many batches open at once; none of this one is stored
)

// ErrUnknown is wrapped by the error of a publish that timed out: it may or may not
// have been stored.
var ErrUnknown = errors.New("outcome unknown")

// IsConflict reports that somebody else committed first.
func IsConflict(err error) bool { return events.CodeOf(err) == events.Conflict }

// IsFull reports that a queue refuses new work until old work is done.
func IsFull(err error) bool { return events.CodeOf(err) == events.Full }

// IsUnknown reports that what was published may or may not be stored.
func IsUnknown(err error) bool { return errors.Is(err, ErrUnknown) }

// publishError gives the error of a publish a code that callers branch on.
func publishError(stream string, err error) error {
	if err == nil {
		return nil
	}
	api, ok := errors.AsType[*jetstream.APIError](err)
	if !ok {
		return fmt.Errorf("publish to %s: %w", stream, transportError(err))
	}
	return fmt.Errorf("publish to %s: %w", stream, apiError(stream, int(api.ErrorCode), api.Description))
}

func apiError(stream string, code int, description string) error {
	switch code {
	case codeWrongLastSeq, codeWrongLastSeqCluster:
		return &events.Error{Code: events.Conflict, Message: "somebody else was first"}
	case codeStoreFailed:
		return full(stream)
	case codeNotNow, codeNoPeers:
		return &events.Error{Code: events.Unavailable, Message: "the store is away: " + description}
	case codeNoResources:
		return &events.Error{Code: events.Unavailable, Message: "the store is full"}
	case codeBatchIncomplete, codeTooManyBatches:
		return &events.Error{Code: events.Unavailable, Message: "the store is busy: try again"}
	default:
		return fmt.Errorf("%s (%d)", description, code)
	}
}

func full(stream string) error {
	return &events.Error{Code: events.Full, Message: "the queue " + stream + " is full: try again when work is done"}
}

// transportError tells a message that was never sent from one that may have been.
func transportError(err error) error {
	for _, unsent := range []error{
		nats.ErrNoResponders, nats.ErrReconnectBufExceeded, nats.ErrConnectionClosed,
		nats.ErrConnectionReconnecting, jetstream.ErrNoStreamResponse,
	} {
		if errors.Is(err, unsent) {
			return &events.Error{Code: events.Unavailable, Message: "the store is away"}
		}
	}
	if errors.Is(err, nats.ErrMaxPayload) {
		return &events.Error{Code: events.Invalid, Message: "the message is too large to be stored"}
	}
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	return fmt.Errorf("%w: %w: %w", ErrUnknown, &events.Error{Code: events.Unavailable, Message: "the store did not answer"}, err)
}
