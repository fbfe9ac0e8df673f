package gateway

import (
	"net/http"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/admission"
	"spool.internal/gateway/v2/stream"
)

// admit acquires a permit for a request with a token, by the token alone. While
// it is held the listener asks whether the token is still valid. What needs no
// token needs no permit: it is answered at once, and from memory.
func (g *Gateway) admit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := exchangeOf(r)
		if e.token.ID == "" {
			next.ServeHTTP(w, r)
			return
		}
		kind := kindOf(r)
		valid := func() bool {
			_, err := g.verify(e)
			return events.CodeOf(err) != events.Unauthorized // while tokens cannot be checked it is as good as before
		}
		switch admission.Of(r.Context()).Admit(kind, admission.ByToken(e.token.ID, e.token.Role == events.Admin), valid) {
		case "":
			next.ServeHTTP(w, r)
		case admission.TooMany:
			refuseUntil(w, r, time.Second, "too many "+kind.String()+"s at once with this token: wait until some have ended")
		default:
			refuse(w, r, http.StatusServiceUnavailable, "too many "+kind.String()+"s at once: try again")
		}
	})
}

// kindOf says which permit a request needs.
func kindOf(r *http.Request) admission.Kind {
	switch {
	case r.URL.Path == stream.Path:
		return admission.Stream
	case isRunContent(r) && (strings.Contains(r.Header.Get("Accept"), "text/event-stream") || r.URL.Query().Get("follow") != ""):
		return admission.Stream
	case isRunContent(r) && r.Method == http.MethodGet:
		return admission.Transfer
	case isDrop(r), isFile(r) && (r.Method == http.MethodGet || r.Method == http.MethodPut):
		return admission.Transfer
	default:
		return admission.Request
	}
}
