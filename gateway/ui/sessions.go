package ui

import (
	"spool.internal/gateway/v2"
)

func (u *UI) sessionPages() []page {
	return []page{{path: "/sessions", template: "sessions", title: "Sessions", view: u.viewSessions}}
}

func (u *UI) sessionActions() []action {
	return []action{{path: "/sessions/{session}/end", may: anyone, do: u.endSession}}
}

// sessions are the browsers that are logged in.
type sessions struct {
	Rows  []sessionRow
	Pager pager
	Empty *emptyList
	All   string // for administrators: where everybody's are listed; empty when they are
}

type sessionRow struct {
	v2.Token
	Own    bool // it is the one of this browser
	MayEnd bool
}

func (u *UI) viewSessions(c *call) (any, error) {
	page, err := u.api.ListSessions(c.Context(), c.who, c.pass())
	if err != nil {
		return nil, err
	}
	s := sessions{Pager: c.pager(page.Next, ""), Empty: noneYet("No browser is logged in.")}
	for _, t := range page.Sessions {
		own := t.ID == c.who.ID
		s.Rows = append(s.Rows, sessionRow{t, own, own || c.mayWrite() || t.Parent == c.who.Parent})
	}
	if c.mayAdminister() && c.query.Get("username") != "*" {
		s.All = "/sessions?username=*"
	}
	return s, nil
}

func (u *UI) endSession(c *call) (done, error) {
	id := c.id("session")
	if err := u.api.EndSession(c.Context(), c.who, id); err != nil {
		return done{}, err
	}
	return done{Next: "/sessions"}, nil
}
