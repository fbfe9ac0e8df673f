package v2

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/gorilla/mux"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/gateway/wire"
)

// SessionPath is where a token is exchanged for a session, by who has no other.
const SessionPath = Prefix + "session"

// createSession exchanges a token for a session. It is the one call of the native API
// that is made without a token in its header: the body has it.
func (a *API) createSession(w http.ResponseWriter, r *http.Request) error {
	in, err := wire.ReadFields(r, "token")
	if err != nil {
		return err
	}
	text := in.Text("token")
	if in.Err() != nil {
		return in.Err()
	}
	if text == "" {
		return events.Faultf(events.Invalid, "token", "is required: an API token, such as the one in admin.token in the server's data folder")
	}
	now := time.Now()
	parent, err := a.Keys.Verify(text, now)
	if err != nil {
		return err
	}
	if n := a.Keys.Sessions(parent.ID, now); n >= events.MaxSessions {
		return events.Faultf(events.Conflict, "token", "has %d sessions, and no token has more: end some of them, see GET /api/v2/sessions", n)
	}
	s, secret, err := a.begin(r.Context(), parent, now)
	if err != nil {
		return err
	}
	a.Log.Info("session begun", "token_id", s.ID, "parent", parent.ID, "owner", s.Owner)
	wire.SetSession(w, r, secret, s.Expires)
	wire.Write(w, http.StatusCreated, showToken(s))
	return nil
}

// begin stores a session. An id that is taken is left to who has it.
func (a *API) begin(ctx context.Context, parent events.Token, now time.Time) (s events.Token, text string, err error) {
	for range 5 {
		s, text = parent.NewSession(now)
		if err = a.Keys.Enter(ctx, s); !jet.IsConflict(err) {
			break
		}
	}
	return s, text, err
}

// deleteSession ends the session of the request.
func (a *API) deleteSession(w http.ResponseWriter, r *http.Request) error {
	if err := wire.ReadNothing(r); err != nil {
		return err
	}
	t := a.Caller(r).Token
	if t.KindOf() != events.SessionToken {
		return events.Faultf(events.Conflict, "", "this request has a token and no session: DELETE /api/v2/sessions/{id} ends one of it, DELETE /api/v2/tokens/{id} revokes a token")
	}
	if err := a.Keys.Revoke(r.Context(), t.ID); err != nil {
		return err
	}
	a.Log.Info("session ended", "token_id", t.ID, "user", t.Owner)
	wire.SetSession(w, r, "", time.Time{})
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// sessions reads the sessions that count, of one owner; "" = of everybody.
func (a *API) sessions(ctx context.Context, owner string) ([]events.Token, error) {
	all, err := a.Bus.Tokens(ctx)
	now := time.Now()
	return slices.DeleteFunc(all, func(t events.Token) bool {
		return t.KindOf() != events.SessionToken || owner != "" && t.Owner != owner || !a.Keys.Live(t, now)
	}), err
}

func (a *API) listSessions(w http.ResponseWriter, r *http.Request) error {
	q := wire.ReadQuery(r, "username", "limit", "page_token")
	limit, after := q.Limit(wire.DefaultLimit), q.Text("page_token")
	owner, err := a.Caller(r).OwnerFor(q.Text("username"))
	if err != nil {
		q.FailWith(err)
	}
	number, id := q.After()
	if q.Err() != nil {
		return q.Err()
	}
	all, err := a.sessions(r.Context(), owner)
	if err != nil {
		return err
	}
	page, next := tokenPage(all, limit, after != "", number, id)
	wire.Write(w, http.StatusOK, struct {
		Sessions []Token `json:"sessions"`
		Next     string  `json:"next_page_token,omitzero"`
	}{page, next})
	return nil
}

// endSession ends a session that the caller may see.
func (a *API) endSession(w http.ResponseWriter, r *http.Request) error {
	if err := wire.ReadNothing(r); err != nil {
		return err
	}
	id, caller := mux.Vars(r)["id"], a.Caller(r).Token
	t, found, err := a.session(r.Context(), id)
	if err != nil {
		return err
	}
	if !found || !caller.MaySee(t.Owner) {
		return events.Faultf(events.NotFound, "id", "no such session: GET /api/v2/sessions lists them")
	}
	if err := caller.MayEnd(t); err != nil {
		return err
	}
	if err := a.Keys.Revoke(r.Context(), id); err != nil {
		return err
	}
	a.Log.Info("session ended", "token_id", id, "user", caller.Owner)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// session reads one session.
func (a *API) session(ctx context.Context, id string) (t events.Token, found bool, err error) {
	if !events.IsToken(id) || id[0] == '_' { // what begins so is no token
		return t, false, nil
	}
	t, found, err = a.Bus.Token(ctx, id)
	return t, found && t.KindOf() == events.SessionToken, err
}
