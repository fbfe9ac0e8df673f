package runner

import (
	"errors"
	"log/slog"
	"net/http"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/gateway/wire"
)

// retryAfter is what a refused caller is asked to wait, in seconds.
const retryAfter = "5"

// refuse maps a fault to its answer: in v1 a handled outcome is HTTP 200, and
// only what the caller's authentication, our load or our bugs are to blame for
// has a status of its own.
func refuse(w http.ResponseWriter, log *slog.Logger, err error) {
	status, msg := http.StatusOK, err.Error()
	fault, handled := errors.AsType[*events.Error](err)
	if handled {
		msg = fault.Error()
	}
	switch {
	case wire.IsTooLong(err):
		status, msg = http.StatusRequestEntityTooLarge, "the body is "+wire.LongerThan(maxBody)
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
		w.Header().Set(events.HeaderVerdict, string(events.VerdictSuperseded))
	case fault.Code == events.Unauthorized:
		status = http.StatusUnauthorized
	}
	wire.WriteError(w, status, msg)
}
