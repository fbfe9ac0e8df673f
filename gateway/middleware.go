package gateway

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/google/uuid"

	"spool.internal/events"
	"spool.internal/gateway/change"
	"spool.internal/gateway/ui"
	"spool.internal/gateway/v2"
	"spool.internal/gateway/v2/files"
	"spool.internal/gateway/v2/stream"
	"spool.internal/gateway/wire"
)

// exchange is what the middleware knows of one request.
type exchange struct {
	token events.Token // zero until the request is let in
	text  string       // of the token

	session bool // the text is that of a session, out of a cookie

	pages *ui.UI // which say in a page why there is nothing else
}

type exchangeKey struct{}

func exchangeOf(r *http.Request) *exchange {
	e, ok := r.Context().Value(exchangeKey{}).(*exchange)
	if !ok {
		panic("gateway: a request that did not come through the middleware")
	}
	return e
}

func tokenOf(r *http.Request) events.Token { return exchangeOf(r).token }

func caller(r *http.Request) change.Caller { return change.CallerOf(r, tokenOf(r)) }

// wrap puts the middleware around the router, in the order in which a request
// meets it. What answers outside of the router, and the router's own 404 and
// 405, pass through the same log and carry the same ERROR body.
func (g *Gateway) wrap(router http.Handler) http.Handler {
	for _, layer := range slices.Backward([]func(http.Handler) http.Handler{
		g.identify,
		clean,
		g.logAccess,
		g.recoverPanic,
		g.refuseLost,
		limitBody,
		refuseEncoded,
		g.authenticate,
		g.limitRate,
		g.admit,
		g.forward,
	}) {
		router = layer(router)
	}
	return router
}

var goodID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// identify names the request as its client does, or anew.
func (g *Gateway) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(wire.HeaderRequestID)
		if !goodID.MatchString(id) {
			id = uuid.NewString()
		}
		w.Header().Set(wire.HeaderRequestID, id)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), exchangeKey{}, &exchange{pages: g.pages})))
	})
}

// isFile reports that a request is about a file of a drive. Those can be large:
// their routes bound the bodies.
func isFile(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, files.Prefix) }

// isDrop reports that a form brings files. Each is bounded where it is stored.
func isDrop(r *http.Request) bool {
	return r.Method == http.MethodPost && strings.HasPrefix(r.URL.Path, "/jobs/") && strings.HasSuffix(r.URL.Path, "/files/drop")
}

// isRunContent reports that a request is about what a run has printed or written. That can be
// large, too: HEAD is not to make it.
func isRunContent(r *http.Request) bool {
	rest, ok := strings.CutPrefix(r.URL.Path, v2.Prefix+"results/")
	_, part, _ := strings.Cut(rest, "/")
	return ok && (part == "log" || strings.HasPrefix(part, "output"))
}

// clean gives the router one spelling of each path, and GET for HEAD: the
// server leaves out the body, unless it is one that is not to be made for that.
func clean(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := *r
		c.URL = new(url.URL)
		*c.URL = *r.URL
		c.URL.Path, c.URL.RawPath = path.Clean("/"+r.URL.Path), ""
		if r.Method == http.MethodHead && !isFile(&c) && !isRunContent(&c) && c.URL.Path != stream.Path {
			c.Method = http.MethodGet
		}
		next.ServeHTTP(w, &c)
	})
}

// recoverPanic answers 500 to a fault of ours. Once the answer has begun only
// a broken connection shows the client that it is not whole.
func (g *Gateway) recoverPanic(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			fault := recover()
			if fault == nil {
				return
			}
			if fault == http.ErrAbortHandler { //nolint:errorlint // a panic's value, as net/http compares it
				panic(fault)
			}
			id := w.Header().Get(wire.HeaderRequestID)
			g.cfg.Log.Error("a request panicked", "request_id", id, "panic", fmt.Sprint(fault), "stack", string(debug.Stack()))
			if rec, ok := w.(*recorder); ok && rec.status != 0 {
				panic(http.ErrAbortHandler)
			}
			refuse(w, r, http.StatusInternalServerError, "internal error: the server's log has it under request id "+id)
		}()
		next.ServeHTTP(w, r)
	})
}

// refuseLost answers 503 to every request while the data folder is lost: nothing can be
// stored, and what is cached may not be what is stored.
func (g *Gateway) refuseLost(next http.Handler) http.Handler {
	if g.cfg.Lost == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g.cfg.Lost() != nil { // the reason is in the log
			refuse(w, r, http.StatusServiceUnavailable, "the server has lost its data folder and stores nothing: its operator has to put it back")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// limitBody bounds what a request can make the server read.
func limitBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isFile(r) || isDrop(r) {
			next.ServeHTTP(w, r)
			return
		}
		if r.ContentLength > wire.MaxBody {
			refuse(w, r, http.StatusRequestEntityTooLarge, "the body is "+wire.LongerThan(wire.MaxBody))
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, wire.MaxBody)
		next.ServeHTTP(w, r)
	})
}
