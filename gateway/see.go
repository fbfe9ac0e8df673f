package gateway

import (
	"net/http"

	"spool.internal/events"
	"spool.internal/events/admission"
	"spool.internal/gateway/ui"
)

// letSee authenticates a request for a page. Who is not let in is sent to log in; a form of
// such a one, and what a module asks for, is refused, so that nothing typed gets lost.
func (g *Gateway) letSee(w http.ResponseWriter, r *http.Request, next http.Handler) {
	kind := g.pages.KindOf(r)
	if kind == ui.Foreign {
		if g.waiting.Load() == nil && g.letIn(r) != nil { // that there is no such page is said to everybody
			exchangeOf(r).token = events.Token{}
		}
		next.ServeHTTP(w, r)
		return
	}
	if err := g.sameOrigin(r); err != nil {
		g.fail(w, r, err)
		return
	}
	if kind == ui.Public && !changes(r) {
		next.ServeHTTP(w, r)
		return
	}
	if why := g.waiting.Load(); why != nil {
		refuse(w, r, http.StatusServiceUnavailable, *why+": try again")
		return
	}
	if kind == ui.Public {
		if g.knock(w, r) {
			next.ServeHTTP(w, r)
		}
		return
	}
	err := g.letIn(r)
	switch {
	case err == nil:
		next.ServeHTTP(w, r)
	case events.CodeOf(err) != events.Unauthorized:
		g.fail(w, r, err)
	default:
		admission.Of(r.Context()).Demote()
		if !g.knock(w, r) {
			return
		}
		if !g.pages.SendToLogin(w, r) {
			g.fail(w, r, err)
		}
	}
}

// changes reports that a request is one that may change something.
func changes(r *http.Request) bool { return r.Method != http.MethodGet && r.Method != http.MethodHead }
