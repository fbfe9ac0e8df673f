package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"spool.internal/events"
	"spool.internal/gateway/ui"
	"spool.internal/gateway/v2"
	"spool.internal/gateway/v2/files"
	"spool.internal/gateway/wire"
)

// HeaderForwarded names the place whose gateway passed a request on. It gives no right, and takes one: such
// a request is not passed on again.
const HeaderForwarded = "Spool-Forwarded-By"

// about is a path that a request looks at, or changes.
type about struct {
	path  events.Path
	field string
	can   bool // it can be answered here too, though less is known: it is not refused while the machine is away
}

// forward passes requests about files on a drive of another machine on to the gateway there, and refuses
// them while that is away. Whoever asks has been let in, and must reach the path: what lies where is nobody
// else's business.
func (g *Gateway) forward(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		by := r.Header.Get(HeaderForwarded)
		if g.place() == "" && by == "" || !isAPI(r) && !ui.IsJobFiles(r.URL.Path) && by == "" {
			next.ServeHTTP(w, r)
			return
		}
		at, is := about{}, false
		if g.place() != "" {
			at, is = g.concerns(r)
		}
		if !is {
			if by != "" && isNative(r) && !g.mayConcern(r) {
				refuse(w, r, http.StatusBadRequest, HeaderForwarded+": is set by gateways that pass on a request about a drive of another machine, and this is none: leave it out")
				return
			}
			next.ServeHTTP(w, r)
			return
		}
		peer, err := g.home(r.Context(), at.path)
		switch {
		case err == nil && peer.Name == "", err != nil && at.can:
			next.ServeHTTP(w, r)
		case err != nil:
			g.fail(w, r, err)
		case by != "":
			g.fail(w, r, events.Faultf(events.Unavailable, at.field, "%s passed this on to %s, which does not serve the drive %s: try again, it may have moved", quoted(by), g.place(), at.path.Drive))
		default:
			if err := g.peers.pass(w, r, peer, at); err != nil {
				g.fail(w, r, err)
			}
		}
	})
}

// quoted bounds what a client has sent.
func quoted(text string) string {
	if events.IsToken(text) && len(text) <= 64 {
		return text
	}
	return "somebody"
}

func (g *Gateway) place() string {
	if g.cfg.Drives == nil {
		return ""
	}
	return g.cfg.Drives.Place()
}

// home gives the place whose gateway reaches a path; none is this one, which a drive is for that nobody
// ever had. The error is of code Unavailable: those that have it are away.
func (g *Gateway) home(ctx context.Context, p events.Path) (peer events.Place, err error) {
	if here, _ := g.cfg.Drives.Serves(p); here {
		return peer, nil
	}
	all, err := g.cfg.Places(ctx)
	if err != nil {
		return peer, events.Faultf(events.Unavailable, "", "which machine has the drive %s cannot be read now: %s", p.Drive, err.Error())
	}
	there, away := all.Reached(p)
	there = slices.DeleteFunc(there, func(is events.Place) bool { return is.Name == g.place() }) // it has lost it
	switch {
	case len(there) == 0 && len(away) == 0:
		return peer, nil
	case len(there) == 0:
		return peer, events.Faultf(events.Unavailable, "path", "%s: what lies there is reached when it is back", all.Nobody(p, away))
	}
	for _, is := range there {
		if is.API != "" {
			return is, nil
		}
	}
	return peer, events.Faultf(events.Unavailable, "path", "the drive %s lies on %s, whose gateway says no address at which this one reaches it: start it with --advertise-url", p.Drive, there[0].Name)
}

// mayConcern reports whether a request is of a kind that is passed on.
func (g *Gateway) mayConcern(r *http.Request) bool {
	_, ofJob := jobOfFiles(r)
	return g.place() != "" && (isFile(r) || ofJob || makesJob(r))
}

func makesJob(r *http.Request) bool {
	return r.Method == http.MethodPost && r.URL.Path == v2.Prefix+"jobs"
}

// jobOfFiles gives the job whose folder a request looks into.
func jobOfFiles(r *http.Request) (jobID string, is bool) {
	if ui.IsJobFiles(r.URL.Path) {
		return strings.Split(r.URL.Path, "/")[2], true
	}
	rest, ok := strings.CutPrefix(r.URL.Path, v2.Prefix+"jobs/")
	id, part, _ := strings.Cut(rest, "/")
	query := r.URL.Query()
	switch {
	case !ok:
	case part == "files" && query.Has("path"), part == "why" && query.Has("file"), part == "files/mark":
		return id, true
	case part == "" && r.Method == http.MethodPatch: // it looks at the folders that the job names
		return id, true
	}
	return "", false
}

// concerns finds out which path a request is about, if it is one that the caller reaches.
func (g *Gateway) concerns(r *http.Request) (at about, is bool) {
	token := tokenOf(r)
	at.field = "path"
	if id, ok := jobOfFiles(r); ok {
		job, known := g.jobs.Job(id)
		if !known || !token.MaySee(job.Username) {
			return at, false
		}
		plan, err := job.Plan(g.cfg.Zone)
		if err != nil || !plan.Spooled || token.Access().CheckJob(plan.Parameters) != nil {
			return at, false
		}
		at.path, at.can = plan.InputDir, r.Method == http.MethodPatch || r.Method == http.MethodGet
		return at, true
	}
	switch {
	case isFile(r):
		sent, err := url.ParseRequestURI(r.RequestURI)
		if err != nil || slices.Contains(strings.Split(sent.Path, "/"), "..") {
			return at, false
		}
		at.path, err = events.ParsePath("path", strings.TrimPrefix(r.URL.Path, files.Prefix))
		changes := r.Method != http.MethodGet && r.Method != http.MethodHead
		return at, err == nil && token.Access().Check("path", at.path) == nil && !(changes && token.MayWrite() != nil)
	case makesJob(r) && token.MayWrite() == nil:
		at.path, is = inputOf(r)
		at.can = true
		return at, is && token.Access().Check("path", at.path) == nil
	}
	return at, false
}

// inputOf reads the folder of a job that is to be made, and leaves the body as it was.
func inputOf(r *http.Request) (p events.Path, ok bool) {
	text, err := io.ReadAll(io.LimitReader(r.Body, wire.MaxBody))
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(text), r.Body), r.Body}
	if err != nil {
		return p, false
	}
	o, err := events.ParseObject(text)
	if err != nil {
		return p, false
	}
	for _, in := range []events.Object{o, o.Inner("flow_parameters")} {
		for _, key := range []string{"input", "input_dir"} {
			if raw, given := in.Get(key); given {
				var text string
				if json.Unmarshal(raw, &text) == nil {
					p, err = events.ParsePath("", text)
				}
				return p, err == nil && p != (events.Path{})
			}
		}
	}
	return p, false
}
