package wire

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"spool.internal/events"
)

// problem is the body of every answer of the native API that is not 2xx: a message,
// with the problem-details fields of RFC 9457 beside it.
type problem struct {
	Message string `json:"message"`           // what is wrong, and the remedy; names the field
	Type    string `json:"type"`              // always "about:blank": the title says it all
	Title   string `json:"title"`             // the words of the status
	Status  int    `json:"status"`            // HTTP status
	Detail  string `json:"detail"`            // the message without the field
	Field   string `json:"field,omitempty"`   // the field at fault, as the request spells it
	Request string `json:"request,omitempty"` // request id, for the server's log
}

// statuses maps the codes of the domain to HTTP. What is not in it is internal.
var statuses = map[events.Code]int{
	events.Invalid: http.StatusBadRequest, events.Unauthorized: http.StatusUnauthorized,
	events.Forbidden: http.StatusForbidden, events.NotFound: http.StatusNotFound, events.Conflict: http.StatusConflict,
	events.Full: http.StatusServiceUnavailable, events.Unavailable: http.StatusServiceUnavailable,
}

// refusal is a fault with a status that its code does not give.
type refusal struct {
	status int
	fault  *events.Error
}

func (r *refusal) Error() string { return r.fault.Error() }

func (r *refusal) Unwrap() error { return r.fault }

// Refuse makes a fault that [Fail] answers with this status.
func Refuse(status int, code events.Code, field, format string, args ...any) error {
	return &refusal{status, events.Faultf(code, field, format, args...)}
}

// IsRefusal reports whether err is one of [Refuse].
func IsRefusal(err error) bool {
	_, ok := errors.AsType[*refusal](err)
	return ok
}

// Fail answers with a problem, and logs what is not the caller's doing.
func Fail(w http.ResponseWriter, log *slog.Logger, err error) {
	status, fault := Judge(log, w.Header().Get(HeaderRequestID), err)
	WriteProblem(w, status, fault)
}

// Judge says with which status and in which words an error of the request id is answered,
// and logs what is not the caller's doing.
func Judge(log *slog.Logger, id string, err error) (status int, fault *events.Error) {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r.status, r.fault
	}
	if errors.Is(err, context.Canceled) { // by the client, or by a server that stops
		err = events.Faultf(events.Unavailable, "", "the request was given up before it was answered: send it again")
	}
	if IsTooLong(err) {
		return http.StatusRequestEntityTooLarge, events.Faultf(events.Invalid, "", "the body is %s", LongerThan(MaxBody))
	}
	fault, known := errors.AsType[*events.Error](err)
	if !known && errors.Is(err, context.DeadlineExceeded) { // of the gateway's own: the store, or another role, was too slow
		fault, known = events.Faultf(events.Unavailable, "", "there was no answer in time: try again"), true
	}
	if !known {
		log.Error("a request failed", "request_id", id, "error", err.Error())
		fault = &events.Error{Message: "internal error: the server's log has it under the request id"}
	}
	status, ok := statuses[fault.Code]
	if !ok {
		status = http.StatusInternalServerError
	}
	if status == http.StatusServiceUnavailable {
		log.Warn("a request cannot be served now", "request_id", id, "error", err.Error())
	}
	return status, fault
}

// WriteProblem answers with a fault and a status.
func WriteProblem(w http.ResponseWriter, status int, fault *events.Error) {
	write(w, status, "application/problem+json", problemText(status, fault, w.Header().Get(HeaderRequestID)))
}

// ProblemText is the body of [WriteProblem], for callers that do not ask over HTTP.
func ProblemText(status int, fault *events.Error) (int, []byte) {
	return status, problemText(status, fault, "")
}

func problemText(status int, e *events.Error, request string) []byte {
	return events.Encode(problem{
		Message: e.Error(), Type: "about:blank", Title: http.StatusText(status), Status: status,
		Detail: e.Message, Field: e.Field, Request: request,
	})
}
