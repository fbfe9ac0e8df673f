package gateway

import (
	"net/http"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/admission"
	"spool.internal/gateway/wire"
)

// authenticate refuses every request under /api without a valid token, and every one
// before the tokens are known; the documentation is public.
func (g *Gateway) authenticate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/api/") || isDocument(r.URL.Path) {
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
		e := exchangeOf(r)
		text, err := wire.Bearer(r)
		if err == nil {
			e.text = text
			e.token, err = g.cfg.Keys.Verify(text, time.Now())
		}
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
