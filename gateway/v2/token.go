package v2

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/gorilla/mux"

	"spool.internal/events"
	"spool.internal/events/spelling"
	"spool.internal/gateway/wire"
)

// token is an API token, or a session, without its secret.
type token struct {
	ID       string           `json:"id"`
	Kind     events.TokenKind `json:"kind"`
	Parent   string           `json:"parent,omitzero"`
	Owner    string           `json:"owner"`
	Role     events.Role      `json:"role"`
	Note     string           `json:"note,omitzero"`
	MadeBy   string           `json:"made_by,omitzero"`
	Created  time.Time        `json:"created"`
	Expires  time.Time        `json:"expires,omitzero"`
	LastUsed time.Time        `json:"last_used,omitzero"`
	Paths    []string         `json:"paths,omitzero"`     // what it reaches, unless that is everything
	All      bool             `json:"all_paths,omitzero"` // it reaches everything
}

func showToken(t events.Token) token {
	return token{
		t.ID, t.KindOf(), t.Parent, t.Owner, t.Role, t.Note, t.MadeBy, t.Created.UTC(), t.Expires.UTC(), t.LastUsed.UTC(), t.Paths, t.Access().All,
	}
}

func (a *API) listTokens(w http.ResponseWriter, r *http.Request) error {
	q := wire.ReadQuery(r, "limit", "page_token")
	limit, after := q.Limit(wire.DefaultLimit), q.Text("page_token")
	number, id := q.After()
	if q.Err() != nil {
		return q.Err()
	}
	all, err := a.Bus.Tokens(r.Context())
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(t events.Token) bool { return t.KindOf() != events.PlainToken })
	page, next := tokenPage(all, limit, after != "", number, id)
	wire.Write(w, http.StatusOK, struct {
		Tokens []token `json:"tokens"`
		Next   string  `json:"next_page_token,omitzero"`
	}{page, next})
	return nil
}

// tokenPage gives a page of tokens in the order in which they were made. It begins
// behind the one that is named by when it was made and its id.
func tokenPage(all []events.Token, limit int, begun bool, created uint64, id string) (page []token, next string) {
	order := func(t events.Token, ns int64, id string) int {
		return cmp.Or(cmp.Compare(t.Created.UnixNano(), ns), cmp.Compare(t.ID, id))
	}
	slices.SortFunc(all, func(a, b events.Token) int { return order(a, b.Created.UnixNano(), b.ID) })
	page = []token{}
	for i, t := range all {
		if begun && order(t, int64(created), id) <= 0 {
			continue
		}
		if len(page) == limit {
			return page, wire.PageToken(all[i-1].Created.UnixNano(), all[i-1].ID)
		}
		page = append(page, showToken(t))
	}
	return page, ""
}

func (a *API) createToken(w http.ResponseWriter, r *http.Request) error {
	in, err := wire.ReadFields(r, "owner", "role", "expires", "paths", "note")
	if err != nil {
		return err
	}
	owner, role, ends, reach := in.Text("owner"), events.Role(in.Text("role")), in.Text("expires"), in.Strings("paths")
	note := in.Text("note")
	if in.Err() != nil {
		return in.Err()
	}
	if err := events.CheckOwner("owner", owner); err != nil {
		return err
	}
	if err := errors.Join(events.CheckRole("role", role), events.CheckNote("note", note)); err != nil {
		return err
	}
	now := time.Now()
	expires, err := expiry(ends, now)
	if err != nil {
		return err
	}
	paths, err := grants(role, owner, reach)
	if err != nil {
		return err
	}
	if role.MayWrite() && role != events.Admin {
		if err := a.admitWriter(r.Context()); err != nil {
			return err
		}
	}
	t, text := events.NewToken(owner, role, now)
	t.Expires, t.Paths, t.Note, t.MadeBy = expires, paths, note, a.Caller(r).Owner
	if err := a.Keys.Enter(r.Context(), t); err != nil {
		return err
	}
	a.Log.Info("token created", "token_id", t.ID, "owner", t.Owner, "role", string(t.Role), "user", a.Caller(r).Owner)
	wire.Write(w, http.StatusCreated, struct {
		token
		Token string `json:"token"` // shown here and never again
	}{showToken(t), text})
	return nil
}

// admitWriter refuses a token whose flows a runner could not keep in its sandbox.
func (a *API) admitWriter(ctx context.Context) error {
	runners, err := a.runners(ctx)
	if err != nil {
		return err
	}
	return events.AdmitWriter(runners)
}

// grants reads what a new token is to reach: the drives of its owner, unless
// paths are given. An administrator reaches everything.
func grants(role events.Role, owner string, paths []string) ([]string, error) {
	switch {
	case role == events.Admin && paths != nil:
		return nil, events.Faultf(events.Invalid, "paths", "an administrator reaches every path: leave it out, or choose another role")
	case role == events.Admin:
		return nil, nil
	case paths == nil:
		return events.ReadGrants("owner", []string{owner})
	default:
		return events.ReadGrants("paths", paths)
	}
}

// expiry reads a time, or how long from now; the zero time is never.
func expiry(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := wire.ParseTime(s)
	if d, bad := spelling.Duration(s); bad == nil {
		t, err = now.Add(d), nil
	}
	switch {
	case err != nil:
		return t, events.Faultf(events.Invalid, "expires", "%q is neither an RFC 3339 time nor a duration like 90m, 12h or 30d", s)
	case !t.After(now):
		return t, events.Faultf(events.Invalid, "expires", "%q is not in the future", s)
	}
	return t.UTC(), nil
}

func (a *API) revokeToken(w http.ResponseWriter, r *http.Request) error {
	if err := wire.ReadNothing(r); err != nil {
		return err
	}
	id := mux.Vars(r)["id"]
	if !events.IsToken(id) || id[0] == '_' { // what begins so is no token
		return events.Faultf(events.NotFound, "id", "no such token: GET /api/v2/tokens lists them")
	}
	if err := a.Keys.Revoke(r.Context(), id); err != nil {
		return err
	}
	a.Log.Info("token revoked", "token_id", id, "user", a.Caller(r).Owner)
	w.WriteHeader(http.StatusNoContent)
	return nil
}
