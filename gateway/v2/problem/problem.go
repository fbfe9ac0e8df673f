// Package problem writes the faults of the native API: HTTP status codes and
// one JSON shape, {"message": …} with the problem-details fields beside it. A
// fault that is not an [events.Error] is internal; its text is not shown.
package problem

import (
	"errors"
	"log/slog"
	"net/http"

	"spool.internal/events"
)

// Problem is the body of every answer that is not 2xx.
type Problem struct {
	Message string `json:"message"`           // what is wrong, and the remedy; names the field
	Type    string `json:"type"`              // always "about:blank": the title says it all
	Title   string `json:"title"`             // the words of the status
	Status  int    `json:"status"`            // HTTP status
	Detail  string `json:"detail"`            // the message without the field
	Field   string `json:"field,omitempty"`   // the field at fault, as the request spells it
	Request string `json:"request,omitempty"` // request id, for the server's log
}

// statuses maps the codes of the domain to HTTP.
var statuses = map[events.Code]int{
	events.Invalid: http.StatusBadRequest, events.Unauthorized: http.StatusUnauthorized,
	events.Forbidden: http.StatusForbidden, events.NotFound: http.StatusNotFound,
	events.Conflict: http.StatusPreconditionFailed,
	events.Full:     http.StatusServiceUnavailable, events.Unavailable: http.StatusServiceUnavailable,
}

// Write answers with a fault.
func Write(w http.ResponseWriter, log *slog.Logger, err error) {
	e, ok := errors.AsType[*events.Error](err)
	if !ok {
		log.Error("a request failed", "request_id", w.Header().Get("X-Request-Id"), "error", err.Error())
		e = &events.Error{Message: "internal error: the server's log has it under the request id"}
	}
	status, ok := statuses[e.Code]
	if !ok {
		status = http.StatusInternalServerError
	}
	WriteStatus(w, status, e)
}

// WriteStatus answers with a fault and a status that its code does not give.
func WriteStatus(w http.ResponseWriter, status int, e *events.Error) {
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	switch status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", "Bearer")
	case http.StatusServiceUnavailable:
		h.Set("Retry-After", "1")
	}
	w.WriteHeader(status)
	w.Write(encode(status, e, h.Get("X-Request-Id"))) //nolint:errcheck // the client has gone
}

// Text gives a fault to whoever does not ask over HTTP.
func Text(status int, e *events.Error) (int, []byte) { return status, encode(status, e, "") }

func encode(status int, e *events.Error, request string) []byte {
	return events.Encode(Problem{
		Message: e.Error(), Type: "about:blank", Title: http.StatusText(status), Status: status,
		Detail: e.Message, Field: e.Field, Request: request,
	})
}
