package gateway

import (
	"errors"
	"net/http"
	"time"

	"spool.internal/events"
	"spool.internal/events/admission"
	"spool.internal/gateway/v2"
	"spool.internal/gateway/wire"
)

// authenticate refuses every request under /api, and for a page, without a valid token, and
// every one before the tokens are known; the documentation is public.
func (g *Gateway) authenticate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isAPI(r) {
			g.letSee(w, r, next)
			return
		}
		if isDocument(r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		if why := g.waiting.Load(); why != nil {
			refuse(w, r, http.StatusServiceUnavailable, *why+": try again")
			return
		}
		conn := admission.Of(r.Context())
		if r.URL.Path == events.RunBinaryPath && r.Header.Get(events.HeaderDispatcher) != "" {
			if conn.Caller().Rank == admission.Service || g.knock(w, r) {
				next.ServeHTTP(w, r)
			}
			return
		}
		if signsIn(r) {
			if err := g.sameOrigin(r); err != nil {
				g.fail(w, r, err)
			} else if g.knock(w, r) {
				next.ServeHTTP(w, r)
			}
			return
		}
		err := g.letIn(r)
		switch {
		case err == nil:
			next.ServeHTTP(w, r)
		case events.CodeOf(err) == events.Unauthorized:
			conn.Demote()
			if r.ContentLength != 0 {
				w.Header().Set("Connection", "close") // its body is not waited for
			}
			if g.knock(w, r) {
				g.fail(w, r, err)
			}
		default:
			g.fail(w, r, err)
		}
	})
}

// letIn finds the token of a request: behind Bearer, or of the session in the cookie of
// a browser, which counts in the native API and on pages alone.
func (g *Gateway) letIn(r *http.Request) error {
	e := exchangeOf(r)
	if text := wire.SessionText(r); text != "" && (isNative(r) || !isAPI(r)) && !hasBearer(r) {
		if err := errors.Join(wire.NoTokenInURL(r), g.sameOrigin(r)); err != nil {
			return err
		}
		e.text, e.session = text, true
	} else {
		text, err := wire.Bearer(r)
		if err != nil {
			return err
		}
		e.text = text
	}
	var err error
	e.token, err = g.verify(e)
	return err
}

// verify says whose a request is, and whether that still counts.
func (g *Gateway) verify(e *exchange) (events.Token, error) {
	if e.session {
		return g.cfg.Keys.VerifySession(e.text, time.Now())
	}
	return g.cfg.Keys.Verify(e.text, time.Now())
}

func hasBearer(r *http.Request) bool { return len(r.Header.Values("Authorization")) > 0 }

// signsIn reports that a request exchanges a token for a session; its body has the token.
func signsIn(r *http.Request) bool {
	return r.Method == http.MethodPost && r.URL.Path == v2.SessionPath && !hasBearer(r)
}

// sameOrigin refuses what a page of another origin has a browser send: the browser adds
// the cookie by itself. The error is of code Forbidden.
func (g *Gateway) sameOrigin(r *http.Request) error {
	if g.origins.Check(r) == nil {
		return nil
	}
	return events.Faultf(events.Forbidden, "", "a page of another origin may not do this with the session of a browser: send the token as Authorization: Bearer <token>")
}

// knock answers 429 to an address that asks too often without a valid token.
func (g *Gateway) knock(w http.ResponseWriter, r *http.Request) bool {
	address := admission.ByAddress(admission.AddressOf(r.RemoteAddr)).Key
	d := g.strangers.delay(address, time.Now())
	if d > 0 {
		admission.Of(r.Context()).Refused("address_rate")
		refuseUntil(w, r, d, "too many requests without a valid token from this address: slow down")
	}
	return d == 0
}
