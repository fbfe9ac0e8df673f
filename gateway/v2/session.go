package v2

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/gorilla/mux"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/gateway/change"
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
	s, secret, err := a.BeginSession(r.Context(), text)
	if err != nil {
		return err
	}
	wire.SetSession(w, r, secret, s.Expires)
	wire.Write(w, http.StatusCreated, showToken(s))
	return nil
}

// BeginSession exchanges the text of a token for a session, and gives the session's own
// text, which is for a cookie alone.
func (a *API) BeginSession(ctx context.Context, token string) (s events.Token, text string, err error) {
	now := time.Now()
	parent, err := a.Keys.Verify(token, now)
	if err != nil {
		return s, "", err
	}
	if n := a.Keys.Sessions(parent.ID, now); n >= events.MaxSessions {
		return s, "", events.Faultf(events.Conflict, "token", "has %d sessions, and no token has more: end some of them, see GET /api/v2/sessions", n)
	}
	if s, text, err = a.begin(ctx, parent, now); err != nil {
		return s, "", err
	}
	a.Log.Info("session begun", "token_id", s.ID, "parent", parent.ID, "owner", s.Owner)
	return s, text, nil
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
	if err := a.LeaveSession(r.Context(), a.Caller(r)); err != nil {
		return err
	}
	wire.SetSession(w, r, "", time.Time{})
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// LeaveSession ends the session that a caller asks with.
func (a *API) LeaveSession(ctx context.Context, who change.Caller) error {
	if who.KindOf() != events.SessionToken {
		return events.Faultf(events.Conflict, "", "this request has a token and no session: DELETE /api/v2/sessions/{id} ends one of it, DELETE /api/v2/tokens/{id} revokes a token")
	}
	if err := a.Keys.Revoke(ctx, who.ID); err != nil {
		return err
	}
	a.Log.Info("session ended", "token_id", who.ID, "user", who.Owner)
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

// SessionPage is a page of sessions.
type SessionPage struct {
	Sessions []Token `json:"sessions"`
	Next     string  `json:"next_page_token,omitzero"`
}

func (a *API) listSessions(w http.ResponseWriter, r *http.Request) error {
	q, err := wire.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	page, err := a.ListSessions(r.Context(), a.Caller(r), q)
	if err == nil {
		wire.Write(w, http.StatusOK, page)
	}
	return err
}

// ListSessions lists the sessions that count, in the order in which they were begun.
func (a *API) ListSessions(ctx context.Context, who change.Caller, values url.Values) (SessionPage, error) {
	q := wire.ReadValues(values, "username", "limit", "page_token")
	limit, after := q.Limit(wire.DefaultLimit), q.Text("page_token")
	owner, err := who.OwnerFor(q.Text("username"))
	if err != nil {
		q.FailWith(err)
	}
	number, id := q.After()
	if q.Err() != nil {
		return SessionPage{}, q.Err()
	}
	all, err := a.sessions(ctx, owner)
	if err != nil {
		return SessionPage{}, err
	}
	page, next := tokenPage(all, limit, after != "", number, id)
	return SessionPage{page, next}, nil
}

func (a *API) endSession(w http.ResponseWriter, r *http.Request) error {
	if err := wire.ReadNothing(r); err != nil {
		return err
	}
	if err := a.EndSession(r.Context(), a.Caller(r), mux.Vars(r)["id"]); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// EndSession ends a session that the caller may see.
func (a *API) EndSession(ctx context.Context, who change.Caller, id string) error {
	t, found, err := a.session(ctx, id)
	if err != nil {
		return err
	}
	if !found || !who.MaySee(t.Owner) {
		return events.Faultf(events.NotFound, "id", "no such session: GET /api/v2/sessions lists them")
	}
	if err := who.MayEnd(t); err != nil {
		return err
	}
	if err := a.Keys.Revoke(ctx, id); err != nil {
		return err
	}
	a.Log.Info("session ended", "token_id", id, "user", who.Owner)
	return nil
}

// DropSession ends the session whose text this is: who has it may end it. A text that is
// none is left alone.
func (a *API) DropSession(ctx context.Context, text string) error {
	s, err := a.Keys.VerifySession(text, time.Now())
	if events.CodeOf(err) == events.Unauthorized {
		return nil
	}
	if err == nil {
		err = a.Keys.Revoke(ctx, s.ID)
	}
	return err
}

// session reads one session.
func (a *API) session(ctx context.Context, id string) (t events.Token, found bool, err error) {
	if !events.IsToken(id) || id[0] == '_' { // what begins so is no token
		return t, false, nil
	}
	t, found, err = a.Bus.Token(ctx, id)
	return t, found && t.KindOf() == events.SessionToken, err
}
