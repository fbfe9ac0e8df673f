package runner

import (
	"errors"
	"log/slog"
	"net/http"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/gateway/wire"
)

// retryAfter is how many seconds a refused caller should wait.
const retryAfter = "5"

// storeFault is an error of the store, not of the run.
type storeFault struct{ error }

func (f storeFault) Unwrap() error { return f.error }

// ofStore marks what the store said; nil stays nil.
func ofStore(err error) error {
	if err == nil {
		return nil
	}
	return storeFault{err}
}

// refuse answers with a fault. In v1 a handled outcome is HTTP 200; only failed authentication, load
// and bugs have a status of their own.
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
		if _, ok := errors.AsType[storeFault](err); ok && (!handled || fault.Code == events.Unavailable) {
			w.Header().Set(events.HeaderStore, "away")
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
