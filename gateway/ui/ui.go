package ui

import (
	"net/http"
	"strings"

	"github.com/gorilla/mux"

	"spool.internal/events/sorting"
	"spool.internal/gateway/v2"
	"spool.internal/gateway/v2/files"
)

// Config is what the pages need.
type Config struct {
	API    *v2.API    // what they show and do; required
	Events Events     // what has happened; required
	Files  *files.API // takes the files that are dropped; nil: there are no drives

	// Codes gives the token that a code stands for with which somebody logs in; nil: there
	// are no codes.
	Codes func(r *http.Request, code string) (token string, err error)
}

// UI serves the pages. It is safe for concurrent use.
type UI struct {
	api     *v2.API
	events  Events
	files   *files.API
	codes   func(*http.Request, string) (string, error)
	pages   []page
	actions []action
	owned   *mux.Router // every path here; the name of a route is its [Kind]
	shown   *mux.Router // the pages that people can be sent to
	counts  counts
	tallies tallies
}

// Kind says whose a path is.
type Kind string

// Kinds of paths.
const (
	Foreign Kind = ""       // none of the pages
	Public  Kind = "public" // for everybody
	Private Kind = "page"   // for who is let in
)

// New makes the pages.
func New(c Config) *UI {
	u := &UI{api: c.API, events: c.Events, files: c.Files, codes: c.Codes, owned: mux.NewRouter().SkipClean(true), shown: mux.NewRouter().SkipClean(true)}
	u.pages, u.actions = u.allPages(), u.allActions()
	// The first path that fits is taken: /jobs/new goes before /jobs/{id}.
	sorting.Stably(u.pages, func(a, b page) int { return strings.Count(a.path, "{") - strings.Count(b.path, "{") })
	sorting.Stably(u.actions, func(a, b action) int { return strings.Count(a.path, "{") - strings.Count(b.path, "{") })
	for _, p := range u.pages {
		u.own(p.path, p.public)
		if !p.public {
			u.shown.Handle(p.path, http.NotFoundHandler())
		}
	}
	for _, a := range u.actions {
		u.own(a.path, a.public)
	}
	u.own(assetsPrefix+"{name}", true)
	return u
}

func (u *UI) own(path string, public bool) {
	kind := Private
	if public {
		kind = Public
	}
	u.owned.Handle(path, http.NotFoundHandler()).Name(string(kind))
}

// Routes adds the pages and the actions to a router.
func (u *UI) Routes(r *mux.Router) {
	for _, p := range u.pages {
		route := r.Handle(p.path, u.show(p)).Methods(http.MethodGet)
		if p.path == "/" {
			route.MatcherFunc(func(r *http.Request, _ *mux.RouteMatch) bool { return WantsPage(r) })
		}
	}
	for _, a := range u.actions {
		r.Handle(a.path, u.act(a)).Methods(http.MethodPost)
	}
	r.HandleFunc(assetsPrefix+"{name}", serveAsset).Methods(http.MethodGet)
}

// KindOf says whose the path of a request is.
func (u *UI) KindOf(r *http.Request) Kind {
	var m mux.RouteMatch
	if strings.HasPrefix(r.URL.Path, "/api/") || !u.owned.Match(r, &m) {
		return Foreign
	}
	if r.URL.Path == "/" && !WantsPage(r) {
		return Public
	}
	return Kind(m.Route.GetName())
}

// WantsPage reports that a request is one of a browser, for something to look at.
func WantsPage(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/html") || isPart(r)
}

// Paths lists every page and every action, as the router knows them, so that tests can try
// what must hold for all.
func (u *UI) Paths() (pages, actions []string) {
	for _, p := range u.pages {
		pages = append(pages, p.path)
	}
	for _, a := range u.actions {
		actions = append(actions, a.path)
	}
	return pages, actions
}
