package ui

import (
	"net/url"
	"strings"

	"spool.internal/events"
	"spool.internal/gateway/v2"
	"spool.internal/gateway/wire"
)

func (u *UI) tokenPages() []page {
	return []page{{path: "/tokens", template: "tokens", title: "Tokens", may: events.Token.MayAdminister, view: u.viewTokens}}
}

func (u *UI) tokenActions() []action {
	return []action{
		{path: "/tokens", may: events.Token.MayAdminister, do: u.makeToken},
		{path: "/tokens/{token}/revoke", may: events.Token.MayAdminister, do: u.revokeToken},
	}
}

// tokens is the page of the API tokens.
type tokens struct {
	Rows   []tokenRow
	Pager  pager
	Faults faults
	Fields []field
	Made   *secretMade
	Asked  *tokenRow // the one that is about to be revoked
}

type tokenRow struct {
	v2.Token
	Own     bool // the session of this browser is one of it
	Reaches string
}

// secretMade is what is shown once.
type secretMade struct {
	What, Secret, Done string
	Lines              int
}

func (u *UI) viewTokens(c *call) (any, error) { return u.tokensWith(c, url.Values{}, nil) }

// tokensWith is the page with what was typed, and with what is wrong with it.
func (u *UI) tokensWith(c *call, typed url.Values, all faults) (*tokens, error) {
	list, err := u.api.ListTokens(c.Context(), c.pass())
	if err != nil {
		return nil, err
	}
	p := &tokens{Pager: c.pager(list.Next, ""), Faults: all, Fields: tokenFields(typed, all)}
	for _, t := range list.Tokens {
		row := tokenRow{t, t.ID == c.who.ID || t.ID == c.who.Parent, strings.Join(t.Paths, ", ")}
		if t.All {
			row.Reaches = "everything"
		}
		p.Rows = append(p.Rows, row)
	}
	return p, nil
}

func tokenFields(typed url.Values, all faults) []field {
	fields := []field{
		{Name: "owner", Label: "Owner", Required: true, Hint: "Whose jobs it reads and changes."},
		{Name: "role", Label: "Role", Type: "select", Required: true, Options: []option{
			{Value: string(events.Viewer), Text: "viewer: reads"},
			{Value: string(events.Operator), Text: "operator: reads and changes"},
			{Value: string(events.Admin), Text: "admin: everything, of everybody"},
		}},
		{Name: "note", Label: "Note", Hint: "What it is for."},
		{Name: "expires", Label: "Ends", Hint: "In so long, as 12h or 90d, or at a time, as 2027-01-31T00:00:00Z. Empty: never."},
		{Name: "paths", Label: "What it reaches on the drives", Type: "textarea", Hint: "Paths, one a line. Empty: the drives of its owner; of an admin everything."},
	}
	return typedInto(fields, typed, all)
}

// typedInto fills fields with what was typed, and with what is wrong with it.
func typedInto(fields []field, typed url.Values, all faults) []field {
	for i := range fields {
		f := &fields[i]
		f.Value, f.Fault = typed.Get(f.Name), all.Of(f.Name)
		for j := range f.Options {
			f.Options[j].Chosen = f.Options[j].Value == f.Value
		}
	}
	return fields
}

func (u *UI) makeToken(c *call) (done, error) {
	ask := v2.TokenRequest{
		Owner: strings.TrimSpace(c.form("owner")), Role: events.Role(c.form("role")), Note: c.form("note"), Expires: strings.TrimSpace(c.form("expires")),
	}
	for line := range strings.Lines(c.form("paths")) {
		if line = strings.TrimSpace(line); line != "" {
			ask.Paths = append(ask.Paths, line)
		}
	}
	made, err := u.api.CreateToken(c.Context(), c.who, ask)
	if err != nil {
		all, ok := formFaults(err)
		if !ok {
			return done{}, err
		}
		p, err := u.tokensWith(c, c.r.PostForm, all)
		if err != nil {
			return done{}, err
		}
		return done{}, &refused{"tokens", p}
	}
	p, err := u.tokensWith(c, url.Values{}, nil)
	if err != nil { // the token is made, and shown whatever else is not
		p = &tokens{Fields: tokenFields(url.Values{}, nil)}
	}
	p.Made = &secretMade{"Token " + made.ID + " of " + made.Owner + ", " + string(made.Role), made.Secret, "/tokens", 1}
	return done{}, &instead{"tokens", p}
}

// revokeToken revokes a token when it was asked for twice.
func (u *UI) revokeToken(c *call) (done, error) {
	id := c.id("token")
	if c.form("sure") == "yes" {
		if err := u.api.RevokeToken(c.Context(), c.who, id); err != nil {
			return done{}, err
		}
		if id == c.who.ID || id == c.who.Parent {
			wire.SetSession(c.w, c.r, "", c.now)
			return done{Next: "/login"}, nil
		}
		return done{Next: "/tokens"}, nil
	}
	p, err := u.tokensWith(c, url.Values{}, nil)
	if err != nil {
		return done{}, err
	}
	p.Asked = &tokenRow{Token: v2.Token{ID: id}, Own: id == c.who.ID || id == c.who.Parent}
	for i := range p.Rows {
		if p.Rows[i].ID == id {
			p.Asked = &p.Rows[i]
		}
	}
	return done{}, &instead{"tokens", p}
}
