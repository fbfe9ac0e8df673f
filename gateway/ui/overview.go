package ui

import (
	"spool.internal/gateway/v2"
)

func (u *UI) overviewPages() []page {
	return []page{{path: "/", template: "overview", nav: "Overview", view: u.viewOverview}}
}

// overview is the first page.
type overview struct {
	v2.Overview
}

func (u *UI) viewOverview(c *call) (any, error) {
	o, err := u.api.Overview(c.Context(), c.who, c.pass())
	return overview{o}, err
}
