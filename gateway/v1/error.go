package v1

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"spool.internal/events"
	"spool.internal/gateway/wire"
)

// statusOf is the one place that turns faults into HTTP. What is not in it is
// internal: 500, with a text that says nothing.
var statusOf = map[events.Code]int{
	events.Invalid:      http.StatusOK,
	events.NotFound:     http.StatusOK,
	events.Conflict:     http.StatusOK,
	events.Forbidden:    http.StatusOK,
	events.Unauthorized: http.StatusUnauthorized,
	events.Full:         http.StatusServiceUnavailable,
	events.Unavailable:  http.StatusServiceUnavailable,
}

// Fail answers with err, and logs it when it is not the caller's doing.
func Fail(w http.ResponseWriter, log *slog.Logger, err error) {
	id := w.Header().Get(wire.HeaderRequestID)
	if errors.Is(err, context.Canceled) {
		wire.WriteError(w, http.StatusServiceUnavailable, "the request was given up") // by the client, or by a server that stops
		return
	}
	if wire.IsTooLong(err) {
		wire.WriteError(w, http.StatusRequestEntityTooLarge, "the body is "+wire.LongerThan(wire.MaxBody))
		return
	}
	fault, known := errors.AsType[*events.Error](err)
	if !known && errors.Is(err, context.DeadlineExceeded) { // of the gateway's own: the store, or another role, was too slow
		fault, known = events.Faultf(events.Unavailable, "", "there was no answer in time: try again"), true
	}
	if !known {
		log.Error("a request failed", "request_id", id, "error", err.Error())
		wire.WriteError(w, http.StatusInternalServerError, "internal error: the server's log has it under request id "+id)
		return
	}
	status := statusOf[fault.Code]
	if status == http.StatusServiceUnavailable {
		log.Warn("a request cannot be served now", "request_id", id, "error", err.Error())
	}
	wire.WriteError(w, status, fault.Error())
}
