package ui

import (
	"net/url"

	"spool.internal/events"
	"spool.internal/events/why"
)

// link is one.
type link struct{ Href, Text string }

// emptyList is what stands where a list has no rows.
type emptyList struct {
	Kind  string // none, match, away, forbidden
	Text  string
	Holds string // away: what is shown all the same
	Links []link
}

// noneYet says that there is nothing at all, and how to make some.
func noneYet(text string, links ...link) *emptyList {
	return &emptyList{Kind: "none", Text: text, Links: links}
}

// noMatch says that none of many match; clear is the list without filters.
func noMatch(total int, what, clear string) *emptyList {
	text := "None of " + why.Number(total) + " " + what + " match."
	if total <= 0 {
		text = "No " + what + " match."
	}
	return &emptyList{Kind: "match", Text: text, Links: []link{{clear, "Clear filters"}}}
}

// partAway says that a part of a page cannot be read, and what holds all the same.
func partAway(what string, err error, holds string) *emptyList {
	reason := "the server's log says why"
	if events.CodeOf(err) != "" {
		reason = err.Error()
	}
	return &emptyList{Kind: "away", Text: what + " cannot be read now: " + reason + ".", Holds: holds}
}

// readOnly says in one line why there are no controls.
func readOnly() *emptyList {
	return &emptyList{Kind: "forbidden", Text: "You may look and change nothing: this session is of role viewer."}
}

// pager leads through the pages of a list.
type pager struct{ First, Next, Text string }

// pager makes one; next is the next_page_token, empty on the last page, and shown is said
// beside: "50 of 318".
func (c *call) pager(next, shown string) pager {
	at := func(after string) string {
		q := url.Values{}
		for key, values := range c.query {
			if key != "after" && key != "did" {
				q[key] = values
			}
		}
		if after != "" {
			q.Set("after", after)
		}
		if len(q) == 0 {
			return c.path
		}
		return c.path + "?" + q.Encode()
	}
	p := pager{Text: shown}
	if c.query.Get("after") != "" {
		p.First = at("")
	}
	if next != "" {
		p.Next = at(next)
	}
	return p
}
