package gateway

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/gateway/ui"
	"spool.internal/gateway/v1"
	"spool.internal/gateway/v2"
	"spool.internal/gateway/wire"
)

// isNative reports that a request is about the native API, whose faults are
// problems; all others have the ERROR body of v1.
func isNative(r *http.Request) bool { return strings.HasPrefix(r.URL.Path+"/", v2.Prefix) }

// isAPI reports that a request is about one of the APIs, or what describes them.
func isAPI(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/api/") }

// pagesFor gives who says in a page why there is nothing else, to a browser that asks for
// one; nil to all others.
func pagesFor(r *http.Request) *ui.UI {
	if isAPI(r) || !ui.WantsPage(r) {
		return nil
	}
	return exchangeOf(r).pages
}

// refuse answers with a fault that the middleware has found.
func refuse(w http.ResponseWriter, r *http.Request, status int, msg string) {
	if pages := pagesFor(r); pages != nil {
		pages.Refuse(w, r, status, &events.Error{Message: msg})
		return
	}
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
	if pages := pagesFor(r); pages != nil {
		pages.Fail(w, r, err)
		return
	}
	if isNative(r) {
		wire.Fail(w, g.cfg.Log, err)
		return
	}
	v1.Fail(w, g.cfg.Log, err)
}
