package ui

import (
	"cmp"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"spool.internal/events"
	"spool.internal/gateway/wire"
)

// broken is what a page says that cannot be shown.
type broken struct {
	Status  int
	Head    string   // what happened
	Text    string   // the words of the problem
	Holds   []string // what holds all the same, or what to do
	Request string   // for the server's log
	Login   string   // where to log in; empty: that would not help
}

func (b broken) title() string { return b.Head }

var heads = map[int]string{
	http.StatusBadRequest:            "This address says something that cannot be",
	http.StatusUnauthorized:          "You are signed out",
	http.StatusForbidden:             "You may not do this",
	http.StatusNotFound:              "There is nothing here",
	http.StatusMethodNotAllowed:      "Nothing was done",
	http.StatusConflict:              "This cannot be done now",
	http.StatusPreconditionFailed:    "Somebody else was first",
	http.StatusTooManyRequests:       "Too many requests",
	http.StatusServiceUnavailable:    "Spool cannot answer now",
	http.StatusInternalServerError:   "Something is broken here",
	http.StatusRequestEntityTooLarge: "That is too much",
}

var holds = map[int][]string{
	http.StatusNotFound:         {"A job that was deleted is gone with its runs. The lists show what there is."},
	http.StatusMethodNotAllowed: {"A link does nothing here: what changes something is a button."},
	http.StatusTooManyRequests:  {"Wait a moment, then reload the page."},
	http.StatusServiceUnavailable: {
		"What is due meanwhile is not forgotten: it starts when Spool is whole again, as each job's setting for missed slots says.",
		"Files stay in their folders until they are taken.",
		"Runs that have started go on.",
		"Reload the page to try again; /readyz says which part is away.",
	},
	http.StatusUnauthorized: {"Nothing was changed. What you typed is not lost: log in in a new tab, then reload this page, and the browser offers to send it again."},
}

// brokenBy is what is said of a fault.
func brokenBy(status int, fault *events.Error, request string) broken {
	b := broken{
		Status: status, Head: cmp.Or(heads[status], http.StatusText(status)), Text: sentence(fault.Error()), Holds: holds[status],
	}
	if status >= http.StatusInternalServerError {
		b.Request = request
	}
	return b
}

// sentence makes a message one: a capital in front, a full stop behind.
func sentence(s string) string {
	if s == "" {
		return s
	}
	first, size := utf8.DecodeRuneInString(s)
	s = string(unicode.ToUpper(first)) + s[size:]
	if !strings.HasSuffix(s, ".") {
		s += "."
	}
	return s
}

// Fail says in a page, in the words of the API, why there is nothing else.
func (u *UI) Fail(w http.ResponseWriter, r *http.Request, err error) {
	status, fault := wire.Judge(u.api.Log, w.Header().Get(wire.HeaderRequestID), err)
	u.Refuse(w, r, status, fault)
}

func (u *UI) fail(c *call, err error) { u.Fail(c.w, c.r, err) }

// Refuse answers with a fault, in the frame when somebody is let in.
func (u *UI) Refuse(w http.ResponseWriter, r *http.Request, status int, fault *events.Error) {
	if status == http.StatusServiceUnavailable && w.Header().Get("Retry-After") == "" {
		w.Header().Set("Retry-After", "1")
	}
	c := u.call(w, r)
	if isPart(r) {
		u.note(c, status, &Note{Text: sentence(fault.Error()), Failed: true})
		return
	}
	b := brokenBy(status, fault, w.Header().Get(wire.HeaderRequestID))
	if status == http.StatusUnauthorized {
		b.Login = "/login"
	}
	u.answer(c, page{template: "broken"}, status, b)
}
