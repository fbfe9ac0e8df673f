package wire

import (
	"net"
	"net/http"
	"strings"
	"time"
)

// sessionName begins the name of the cookie of a session; its port follows, for cookies
// know hosts and no ports.
const sessionName = "spool-session-"

// Encrypted reports whether a client's request came over TLS: to this server, or to a
// proxy that is trusted. The listener takes the header away from all others.
func Encrypted(r *http.Request) bool {
	return r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}

// sessionCookie names the cookie of a session at the address that the client knows.
func sessionCookie(r *http.Request) (name string, secure bool) {
	secure = Encrypted(r)
	_, port, err := net.SplitHostPort(r.Host)
	switch {
	case err == nil && port != "":
	case secure:
		port = "443"
	default:
		port = "80"
	}
	if name = sessionName + port; secure {
		name = "__Host-" + name
	}
	return name, secure
}

// SessionText takes the token of a session out of the cookie of a request; empty = there
// is none. A cookie of another port, or of the same name without TLS, is not it.
func SessionText(r *http.Request) string {
	name, _ := sessionCookie(r)
	all := r.CookiesNamed(name)
	if len(all) != 1 {
		return ""
	}
	return all[0].Value
}

// SetSession has the browser keep the token of a session until it ends; an empty text
// takes it back.
func SetSession(w http.ResponseWriter, r *http.Request, text string, ends time.Time) {
	name, secure := sessionCookie(r)
	c := &http.Cookie{Name: name, Value: text, Path: "/", HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode}
	if c.MaxAge = -1; text != "" {
		c.MaxAge = max(int(time.Until(ends).Seconds()), 1)
	}
	http.SetCookie(w, c)
}
