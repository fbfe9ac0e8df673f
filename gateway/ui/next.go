package ui

import (
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"

	"github.com/gorilla/mux"
)

// part is what a fragment names that is kept: a part of a page, or lines of a log.
var part = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,63}$`)

// longestNext is how long a place to go on may be, in bytes.
const longestNext = 4096

// local gives a place to go on that a request names, if that is a page of this server,
// else "/". Browsers take //host, /\host and what has control characters in it for other
// servers, so what is kept is written anew from its parts.
func (u *UI) local(next string) string {
	if len(next) > longestNext || !strings.HasPrefix(next, "/") || strings.ContainsFunc(next, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' }) {
		return "/"
	}
	parsed, err := url.Parse(next)
	if err != nil || parsed.Scheme != "" || parsed.Host != "" || parsed.User != nil || parsed.Opaque != "" {
		return "/"
	}
	if strings.HasPrefix(parsed.Path, "//") || strings.ContainsAny(parsed.Path, "\\") || path.Clean(parsed.Path) != parsed.Path || !u.isPage(parsed.Path) {
		return "/"
	}
	kept := url.URL{Path: parsed.Path, RawQuery: parsed.Query().Encode()}
	if part.MatchString(parsed.Fragment) {
		kept.Fragment = parsed.Fragment
	}
	return kept.String()
}

// isPage reports that GET on a path shows a page that people can be sent to.
func (u *UI) isPage(path string) bool {
	var m mux.RouteMatch
	return u.shown.Match(&http.Request{Method: http.MethodGet, URL: &url.URL{Path: path}}, &m)
}

// SendToLogin sends a browser that wanted to see a page to where it can log in, and
// reports whether it did: a form, and what a module asks for, is to be refused.
func (u *UI) SendToLogin(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodGet || !WantsPage(r) || isPart(r) {
		return false
	}
	here := url.URL{Path: r.URL.Path, RawQuery: r.URL.RawQuery}
	to := loginPath
	if next := u.local(here.String()); next != "/" {
		to += "?" + url.Values{"next": {next}}.Encode()
	}
	redirect(w, to)
	return true
}
