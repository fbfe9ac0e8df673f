package v2

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/gorilla/mux"

	"spool.internal/events"
	"spool.internal/events/sorting"
	"spool.internal/events/spelling"
	"spool.internal/gateway/change"
	"spool.internal/gateway/wire"
)

// Token is an API token, or a session, without its secret.
type Token struct {
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

func showToken(t events.Token) Token {
	return Token{
		t.ID, t.KindOf(), t.Parent, t.Owner, t.Role, t.Note, t.MadeBy, t.Created.UTC(), t.Expires.UTC(), t.LastUsed.UTC(), t.Paths, t.Access().All,
	}
}

// TokenPage is some of the API tokens, in the order in which they were made.
type TokenPage struct {
	Tokens []Token `json:"tokens"`
	Next   string  `json:"next_page_token,omitzero"`
}

func (a *API) listTokens(w http.ResponseWriter, r *http.Request) error {
	q, err := wire.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	page, err := a.ListTokens(r.Context(), q)
	if err == nil {
		wire.Write(w, http.StatusOK, page)
	}
	return err
}

// ListTokens lists the API tokens of everybody.
func (a *API) ListTokens(ctx context.Context, values url.Values) (page TokenPage, err error) {
	q := wire.ReadValues(values, "limit", "page_token")
	limit, after := q.Limit(wire.DefaultLimit), q.Text("page_token")
	number, id := q.After()
	if q.Err() != nil {
		return page, q.Err()
	}
	all, err := a.Bus.Tokens(ctx)
	if err != nil {
		return page, err
	}
	all = slices.DeleteFunc(all, func(t events.Token) bool { return t.KindOf() != events.PlainToken })
	page.Tokens, page.Next = tokenPage(all, limit, after != "", number, id)
	return page, nil
}

// tokenPage gives a page of tokens in the order in which they were made. It begins
// behind the one that is named by when it was made and its id.
func tokenPage(all []events.Token, limit int, begun bool, created uint64, id string) (page []Token, next string) {
	order := func(t events.Token, ns int64, id string) int {
		return cmp.Or(cmp.Compare(t.Created.UnixNano(), ns), cmp.Compare(t.ID, id))
	}
	sorting.By(all, func(a, b events.Token) int { return order(a, b.Created.UnixNano(), b.ID) })
	page = []Token{}
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

// TokenRequest asks for an API token.
type TokenRequest struct {
	Owner   string
	Role    events.Role
	Expires string   // a time, or how long from now; "" is never
	Paths   []string // what it reaches; nil: what its owner has, and of an administrator everything
	Note    string
}

// NewToken is a token that was made, with its secret, which is shown then and never again.
type NewToken struct {
	Token
	Secret string `json:"token"`
}

func (a *API) createToken(w http.ResponseWriter, r *http.Request) error {
	in, err := wire.ReadFields(r, "owner", "role", "expires", "paths", "note")
	if err != nil {
		return err
	}
	ask := TokenRequest{
		Owner: in.Text("owner"), Role: events.Role(in.Text("role")), Expires: in.Text("expires"), Paths: in.Strings("paths"), Note: in.Text("note"),
	}
	if in.Err() != nil {
		return in.Err()
	}
	made, err := a.CreateToken(r.Context(), a.Caller(r), ask)
	if err == nil {
		wire.Write(w, http.StatusCreated, made)
	}
	return err
}

// CreateToken makes an API token.
func (a *API) CreateToken(ctx context.Context, who change.Caller, ask TokenRequest) (made NewToken, err error) {
	if err := events.CheckOwner("owner", ask.Owner); err != nil {
		return made, err
	}
	if err := errors.Join(events.CheckRole("role", ask.Role), events.CheckNote("note", ask.Note)); err != nil {
		return made, err
	}
	now := time.Now()
	expires, err := expiry(ask.Expires, now)
	if err != nil {
		return made, err
	}
	paths, err := grants(ask.Role, ask.Owner, ask.Paths)
	if err != nil {
		return made, err
	}
	if ask.Role.MayWrite() && ask.Role != events.Admin {
		if err := a.admitWriter(ctx); err != nil {
			return made, err
		}
	}
	t, text := events.NewToken(ask.Owner, ask.Role, now)
	t.Expires, t.Paths, t.Note, t.MadeBy = expires, paths, ask.Note, who.Owner
	if err := a.Keys.Enter(ctx, t); err != nil {
		return made, err
	}
	a.Log.Info("token created", "token_id", t.ID, "owner", t.Owner, "role", string(t.Role), "user", who.Owner)
	return NewToken{showToken(t), text}, nil
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
	if err := a.RevokeToken(r.Context(), a.Caller(r), mux.Vars(r)["id"]); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// RevokeToken revokes an API token, or a session.
func (a *API) RevokeToken(ctx context.Context, who change.Caller, id string) error {
	if !events.IsToken(id) || id[0] == '_' { // what begins so is no token
		return events.Faultf(events.NotFound, "id", "no such token: GET /api/v2/tokens lists them")
	}
	if err := a.Keys.Revoke(ctx, id); err != nil {
		return err
	}
	a.Log.Info("token revoked", "token_id", id, "user", who.Owner)
	return nil
}
