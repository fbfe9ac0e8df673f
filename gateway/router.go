package gateway

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/gorilla/mux"

	"spool.internal/events"
	"spool.internal/gateway/bulk"
	"spool.internal/gateway/change"
	"spool.internal/gateway/ui"
	"spool.internal/gateway/v1"
	"spool.internal/gateway/v2"
)

// router knows every path; it never redirects.
func (g *Gateway) router() *mux.Router {
	r := mux.NewRouter().SkipClean(true)
	changes := &change.Jobs{Store: g.cfg.Bus, Sealer: g.cfg.Keys, Untracked: g.cfg.Untracked, MailDomains: g.cfg.MailDomains, Log: g.cfg.Log}
	changes.Owners = g.owners
	changes.BuiltIn, changes.Runners = g.builtIn, g.runners
	if g.cfg.Drives != nil {
		changes.Folders = g.cfg.Drives
		changes.HostDrives, changes.Drives, changes.Place = g.cfg.Drives, g.cfg.Bus, g.cfg.Drives.Place()
	}
	g.holder.changes, g.untils.changes = changes, changes
	v1.New(v1.Config{
		Changes: changes, Jobs: g.jobs, Results: g.index, Caller: caller, Log: g.cfg.Log,
		Elsewhere: func(ctx context.Context, p *events.Parameters) []string { return g.native.Elsewhere(ctx, p) },
	}).Routes(r)
	native := v2.Config{
		Bus: g.cfg.Bus, Runners: g.cfg.Subscribers, Keys: g.cfg.Keys, Changes: changes, Jobs: g.jobs, Index: g.index, Bulks: g.bulks,
		Zone: g.cfg.Zone, Caller: caller, Name: g.cfg.Name, Version: g.cfg.Version, Log: g.cfg.Log,
		Position: func() string { return g.events.Position(g.index.Reached()) },
	}
	native.Places, native.Answered = g.cfg.Places, g.cfg.Answered
	if g.cfg.Drives != nil {
		native.Stages, native.Drives = g.cfg.Drives, g.cfg.Drives
	}
	g.native = v2.New(native)
	g.bulks.Do = map[events.BulkOf]bulk.Do{events.BulkJobs: changes.Act, events.BulkDeadLetters: g.native.DoDead}
	g.native.Routes(r)
	g.transfers(r)
	g.pages = ui.New(ui.Config{API: g.native, Codes: g.cfg.Codes, Events: g.events, Files: g.files})
	g.pages.Routes(r)
	r.HandleFunc("/", g.welcome).Methods(http.MethodGet)
	if g.cfg.Mount != nil {
		g.cfg.Mount(r)
	}
	r.NotFoundHandler = unrouted(r)
	r.MethodNotAllowedHandler = r.NotFoundHandler
	return r
}

// unrouted answers to what no route takes: with 405 where another method would
// be taken, else with 404. It asks the router itself, which does not say which
// methods those are and can mistake the one case for the other.
func unrouted(router *mux.Router) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var allowed []string
		for _, method := range []string{
			http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		} {
			other := *r
			other.Method = method
			var match mux.RouteMatch
			if !router.Match(&other, &match) || match.MatchErr != nil {
				continue
			}
			if allowed = append(allowed, method); method == http.MethodGet {
				allowed = append(allowed, http.MethodHead)
			}
		}
		if allowed == nil {
			prefix := v1.Prefix
			if isNative(r) {
				prefix = v2.Prefix
			}
			if pagesFor(r) != nil {
				refuse(w, r, http.StatusNotFound, "this server has no such page")
				return
			}
			refuse(w, r, http.StatusNotFound, "no such path: the API is below "+prefix)
			return
		}
		allow := strings.Join(allowed, ", ")
		w.Header().Set("Allow", allow)
		refuse(w, r, http.StatusMethodNotAllowed, "this path does not know the method: use "+allow)
	})
}

// welcome is what is at the address of the server for who is no browser.
func (g *Gateway) welcome(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintf(w, `Spool %s starts flows: by the clock, on request, or when a file lands in a folder.

Pages  open this address in a browser
API    %s{create,delete,enable,disable,trigger}_job (POST), list_jobs (GET)
       %sjobs and more
       with the header "Authorization: Bearer <token>"
Token  the first start wrote one into the file %s in the server's data folder
Ready  /readyz
Docs   /api/v2/docs, and README.md beside the program
`, g.cfg.Version, v1.Prefix, v2.Prefix, adminFile)
}
