package runner

import (
	"errors"
	"log/slog"
	"net/http"
	"strconv"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// retryAfter is what a refused caller is asked to wait, in seconds.
const retryAfter = "5"

// answer sends a body of the v1 API.
func answer(w http.ResponseWriter, status int, body any) {
	text := append(events.Encode(body), '\n')
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	_, _ = w.Write(text) // when the client has gone there is nobody to tell
}

// refuse maps a fault to its answer: in v1 a handled outcome is HTTP 200, and
// only what the caller's authentication, our load or our bugs are to blame for
// has a status of its own.
func refuse(w http.ResponseWriter, log *slog.Logger, err error) {
	status, msg := http.StatusOK, err.Error()
	fault, handled := errors.AsType[*events.Error](err)
	if handled {
		msg = fault.Error()
	}
	_, tooLarge := errors.AsType[*http.MaxBytesError](err)
	switch {
	case tooLarge:
		status, msg = http.StatusRequestEntityTooLarge, "the body is larger than 256 KiB"
	case jet.IsUnknown(err), isShort(err), handled && (fault.Code == events.Full || fault.Code == events.Unavailable):
		status = http.StatusServiceUnavailable
		switch {
		case isShort(err):
			msg = "the runner is short of file descriptors or memory now: try again later"
		case !handled:
			msg = "the store did not answer"
		}
		w.Header().Set("Retry-After", retryAfter)
		log.Warn("a call was put off", "error", err.Error())
	case !handled:
		status, msg = http.StatusInternalServerError, "internal error: the runner's log says more"
		log.Error("a call failed", "error", err.Error())
	case errors.Is(err, errSuperseded):
		w.Header().Set(events.HeaderVerdict, events.VerdictSuperseded)
	case fault.Code == events.Unauthorized:
		status = http.StatusUnauthorized
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	answer(w, status, events.RunAnswer{Status: events.ERROR, Msg: msg})
}
