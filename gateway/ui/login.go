package ui

import (
	"cmp"
	"net/http"
	"strings"

	"spool.internal/events"
	"spool.internal/gateway/wire"
)

const loginPath = "/login"

func (u *UI) loginPages() []page {
	return []page{{path: loginPath, template: "login", title: "Log in", public: true, view: u.viewLogin}}
}

func (u *UI) loginActions() []action {
	return []action{
		{path: loginPath, public: true, do: u.login},
		{path: "/logout", may: anyone, do: u.logout},
		{path: "/theme", may: anyone, do: u.chooseTheme},
	}
}

// loginForm is the page of who is not let in. What was typed is a secret, so that it is
// not shown again.
type loginForm struct {
	Next   string
	Faults faults
	Token  field
}

func newLoginForm(next string, all faults) loginForm {
	return loginForm{next, all, field{
		Name: "token", Label: "Token", Type: "password", Required: true, Fill: "current-password", Fault: all.Of("token"),
		Hint: "It begins with spool_. The first start of the server wrote one into the file admin.token in its data folder.",
	}}
}

func (u *UI) viewLogin(c *call) (any, error) {
	return newLoginForm(u.local(c.query.Get("next")), nil), nil
}

// login exchanges a token for a session, whose own token is new each time: a cookie that
// somebody planted before is worth nothing after. The session that was there ends.
func (u *UI) login(c *call) (done, error) {
	next := u.local(c.form("next"))
	before := wire.SessionText(c.r)
	text, err := u.offered(c)
	var s events.Token
	var secret string
	if err == nil {
		s, secret, err = u.api.BeginSession(c.Context(), text)
	}
	if all, ok := faultsOf(err); err != nil && ok {
		for i := range all {
			all[i].Field = cmp.Or(all[i].Field, "token")
		}
		return done{}, &refused{"login", newLoginForm(next, all)}
	}
	if err != nil {
		return done{}, err
	}
	wire.SetSession(c.w, c.r, secret, s.Expires)
	_ = u.api.DropSession(c.Context(), before) // else it ends by itself within hours
	return done{Next: next}, nil
}

// offered gives the token that somebody logs in with, or that a code stands for.
func (u *UI) offered(c *call) (string, error) {
	if code := c.form("code"); code != "" && u.codes != nil {
		return u.codes(c.r, code)
	}
	text := strings.TrimSpace(c.form("token"))
	if text == "" {
		return "", events.Faultf(events.Invalid, "token", "enter a token")
	}
	return text, nil
}

func (u *UI) logout(c *call) (done, error) {
	err := u.api.LeaveSession(c.Context(), c.who)
	if err != nil && events.CodeOf(err) != events.Conflict { // without a session there is nothing to leave
		return done{}, err
	}
	wire.SetSession(c.w, c.r, "", c.now)
	return done{Next: loginPath}, nil
}

// chooseTheme keeps the colours that somebody chose in a cookie, so that no page has to
// change its colours after it is shown. A module writes it too.
func (u *UI) chooseTheme(c *call) (done, error) {
	chosen := http.Cookie{Name: themeCookie, Value: c.form("theme"), Path: "/", MaxAge: 365 * 24 * 3600, Secure: wire.Encrypted(c.r), SameSite: http.SameSiteLaxMode}
	if chosen.Value != "light" && chosen.Value != "dark" {
		chosen.Value, chosen.MaxAge = "", -1
	}
	http.SetCookie(c.w, &chosen)
	return done{Next: c.form("next")}, nil
}
