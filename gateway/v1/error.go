package v1

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"spool.internal/events"
)

// HeaderRequestID names a request in its answer and in the log.
const HeaderRequestID = "X-Request-Id"

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
	id := w.Header().Get(HeaderRequestID)
	if errors.Is(err, context.Canceled) {
		Refuse(w, http.StatusServiceUnavailable, "the request was given up") // by the client, or by a server that stops
		return
	}
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		RefuseLarge(w)
		return
	}
	fault, known := errors.AsType[*events.Error](err)
	if !known {
		log.Error("a request failed", "request_id", id, "error", err.Error())
		Refuse(w, http.StatusInternalServerError, "internal error: the server's log has it under request id "+id)
		return
	}
	status := statusOf[fault.Code]
	if status == http.StatusServiceUnavailable {
		log.Warn("a request cannot be served now", "request_id", id, "error", err.Error())
	}
	Refuse(w, status, fault.Error())
}

// RefuseLarge answers to a body that is longer than [MaxBody].
func RefuseLarge(w http.ResponseWriter) {
	Refuse(w, http.StatusRequestEntityTooLarge, "the body is longer than 256 KiB")
}

// Refuse answers with an ERROR body.
func Refuse(w http.ResponseWriter, status int, msg string) {
	switch status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", "Bearer")
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "1")
	}
	write(w, status, struct {
		Status events.Status `json:"status"`
		Msg    string        `json:"msg"`
	}{events.ERROR, msg})
}

func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(events.Encode(v), '\n')) // a client that is gone has nobody to be told
}
