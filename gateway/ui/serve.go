package ui

import (
	"errors"
	"net/http"

	"spool.internal/events"
	"spool.internal/gateway/v2"
	"spool.internal/gateway/wire"
)

// show serves a page.
func (u *UI) show(p page) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := u.call(w, r)
		if p.may != nil {
			if err := p.may(c.who.Token); err != nil {
				u.fail(c, err)
				return
			}
		}
		data, err := p.view(c)
		if err != nil {
			u.fail(c, err)
			return
		}
		u.answer(c, p, http.StatusOK, data)
	})
}

// act serves an action. That no page of another origin sends it has been seen to.
func (u *UI) act(a action) http.Handler {
	may := a.may
	if may == nil {
		may = events.Token.MayWrite
	}
	if a.public {
		may = anyone
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := u.call(w, r)
		err := may(c.who.Token)
		if err == nil {
			err = readForm(r)
		}
		var d done
		if err == nil {
			d, err = a.do(c)
		}
		if again, ok := errors.AsType[*refused](err); ok {
			u.answer(c, u.named(again.page), http.StatusUnprocessableEntity, again.data)
			return
		}
		if other, ok := errors.AsType[*instead](err); ok {
			u.answer(c, u.named(other.page), http.StatusOK, other.data)
			return
		}
		if err != nil {
			u.fail(c, err)
			return
		}
		if d.Note != nil && r.Header.Get(headerNote) != "" {
			u.note(c, http.StatusOK, d.Note)
			return
		}
		next := d.Next
		if next != loginPath { // where who has logged out goes on
			next = u.local(next)
		}
		if r.Header.Get(headerNote) == "" {
			redirect(w, next)
		} else { // fetch would follow a redirect, and the page would be made twice
			secure(w.Header())
			w.Header().Set(headerNext, next)
			w.WriteHeader(http.StatusNoContent)
		}
	})
}

func redirect(w http.ResponseWriter, to string) {
	secure(w.Header())
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

// readForm reads what a form has sent.
func readForm(r *http.Request) error {
	err := r.ParseForm()
	if err == nil || wire.IsTooLong(err) {
		return err
	}
	return events.Faultf(events.Invalid, "", "the form is malformed: send it as application/x-www-form-urlencoded")
}

// named finds the page of a template.
func (u *UI) named(template string) page {
	for _, p := range u.pages {
		if p.template == template {
			return p
		}
	}
	return page{template: template}
}

// answer shows the data of a page: in the frame, or alone when cells are asked for.
func (u *UI) answer(c *call, p page, status int, data any) {
	f := u.frameOf(c, p, data)
	if c.query.Has("did") && f.Who != nil {
		f.Told = u.told(c)
	}
	if c.position != "" {
		c.w.Header().Set(v2.HeaderPosition, c.position)
	}
	layout := "layout"
	if c.cells != nil {
		layout = "cells"
	}
	u.write(c, status, shownAs{p.template, layout}, f)
}

// note answers with a note alone.
func (u *UI) note(c *call, status int, n *Note) {
	u.write(c, status, shownAs{partsOnly, "note"}, n)
}

// write renders first and answers then, so that no half of a page is sent.
func (u *UI) write(c *call, status int, as shownAs, data any) {
	body, err := as.render(data)
	if err != nil {
		u.api.Log.Error("a page cannot be shown", "request_id", c.w.Header().Get(wire.HeaderRequestID), "page", as.page, "error", err.Error())
		status, body = http.StatusInternalServerError, []byte("This page cannot be shown: the server's log says why.\n")
	}
	send(c.w, c.r, status, body)
}
