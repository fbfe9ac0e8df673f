package jet

import (
	"context"
	"errors"
	"fmt"
	"slices"

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
	codeNotLeader           = 10009 // the server that was asked leads no more
	codeInProcess           = 10158 // the same message was published before, and is not stored yet
	codeBatchIncomplete     = 10176 // part of the batch did not arrive; none of it is stored
	codeTooManyBatches      = 10210 // too many batches open at once; none of this one is stored
)

// codesAway say that the servers cannot do it now, and nothing of what was asked for:
// incomplete results, no suitable peers, no cluster, not assigned, not the leader, raft's own errors,
// JetStream off, offline, the last sequence of a subject is not known yet.
var codesAway = []int{
	10004, 10005, 10006, 10007, codeNotNow, codeNotLeader, 10010, 10039, 10041, 10075, 10076,
	10118, 10119, 10163, 10194, 10195,
}

// ErrUnknown is wrapped by the error of a publish that timed out: it may or may not
// have been stored.
var ErrUnknown = errors.New("outcome unknown")

// errUnsent is wrapped by the error of what was certainly not done, since nobody was there.
var errUnsent = errors.New("nobody was there")

// IsConflict reports that somebody else committed first.
func IsConflict(err error) bool { return events.CodeOf(err) == events.Conflict }

// IsFull reports that a queue refuses new work until old work is done.
func IsFull(err error) bool { return events.CodeOf(err) == events.Full }

// IsUnknown reports that what was published may or may not be stored.
func IsUnknown(err error) bool { return errors.Is(err, ErrUnknown) }

// publishError gives the error of a publish a code that callers branch on.
func (b *Bus) publishError(stream string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("publish to %s: %w", stream, b.fault(stream, err))
}

// fault gives an error of the client's library a code. What was asked for may have been
// done when it is [IsUnknown].
func (b *Bus) fault(stream string, err error) error {
	if err == nil {
		return nil
	}
	if api, ok := errors.AsType[*jetstream.APIError](err); ok {
		f := b.apiError(stream, apiFault{Code: api.Code, ErrCode: int(api.ErrorCode), Description: api.Description})
		return told{f, err}
	}
	return b.transportError(stream, err)
}

// told is a fault in place of an error of the library, which callers still find.
type told struct{ fault, library error }

func (t told) Error() string   { return t.fault.Error() }
func (t told) Unwrap() []error { return []error{t.fault, t.library} }

// apiError is what an answer of JetStream says that is an error.
func (b *Bus) apiError(stream string, f apiFault) error {
	switch f.ErrCode {
	case codeWrongLastSeq, codeWrongLastSeqCluster:
		return &events.Error{Code: events.Conflict, Message: "somebody else was first"}
	case codeStoreFailed:
		return full(stream)
	case codeNoResources:
		return &events.Error{Code: events.Unavailable, Message: "the store is full"}
	case codeInProcess:
		return fmt.Errorf("%w: %w", ErrUnknown, b.unavailable(stream, "the store has not answered for the same yet"))
	case codeBatchIncomplete, codeTooManyBatches:
		return &events.Error{Code: events.Unavailable, Message: "the store is busy: try again"}
	}
	switch {
	case f.ErrCode == 0 && f.Code == 403: // the broker's guard, in its own words
		b.deny(f.Description, "")
		return &deniedError{f.Description}
	case f.Code == 503, slices.Contains(codesAway, f.ErrCode):
		return told{b.unavailable(stream, "the store is away: "+f.Description), errUnsent}
	}
	return fmt.Errorf("%s (%d)", f.Description, f.ErrCode)
}

func full(stream string) error {
	return &events.Error{Code: events.Full, Message: "the queue " + stream + " is full: try again when work is done"}
}

// transportError tells a message that was never sent from one that may have been.
func (b *Bus) transportError(stream string, err error) error {
	if denied, ok := errors.AsType[*deniedError](err); ok {
		return denied
	}
	for _, unsent := range []error{
		nats.ErrNoResponders, nats.ErrReconnectBufExceeded, nats.ErrConnectionClosed,
		nats.ErrConnectionReconnecting, jetstream.ErrNoStreamResponse,
	} {
		if errors.Is(err, unsent) {
			return told{b.unavailable(stream, "the store is away"), errUnsent}
		}
	}
	if errors.Is(err, nats.ErrMaxPayload) {
		return &events.Error{Code: events.Invalid, Message: "the message is too large to be stored"}
	}
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	return fmt.Errorf("%w: %w: %w", ErrUnknown, b.unavailable(stream, "the store did not answer"), err)
}

// unavailable says what is wrong with the store, in place of what is only seen of it.
func (b *Bus) unavailable(stream, seen string) *events.Error {
	if cause := b.Cause(stream); cause != "" {
		seen = "the store cannot be used now: " + cause
	}
	return &events.Error{Code: events.Unavailable, Message: seen + ": try again"}
}
