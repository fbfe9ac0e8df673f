package gateway

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/gateway/v1"
	"spool.internal/gateway/v2"
	"spool.internal/gateway/wire"
)

// isNative reports that a request is about the native API, whose faults are
// problems; all others have the ERROR body of v1.
func isNative(r *http.Request) bool { return strings.HasPrefix(r.URL.Path+"/", v2.Prefix) }

// refuse answers with a fault that the middleware has found.
func refuse(w http.ResponseWriter, r *http.Request, status int, msg string) {
	if isNative(r) {
		wire.WriteProblem(w, status, &events.Error{Message: msg})
		return
	}
	wire.WriteError(w, status, msg)
}

// refuseUntil answers 429 to a caller that is to wait.
func refuseUntil(w http.ResponseWriter, r *http.Request, d time.Duration, msg string) {
	w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(d.Seconds()))))
	refuse(w, r, http.StatusTooManyRequests, msg)
}

// fail answers with an error that stopped a request before its route.
func (g *Gateway) fail(w http.ResponseWriter, r *http.Request, err error) {
	if isNative(r) {
		wire.Fail(w, g.cfg.Log, err)
		return
	}
	v1.Fail(w, g.cfg.Log, err)
}
