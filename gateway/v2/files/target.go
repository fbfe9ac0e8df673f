package files

import (
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"spool.internal/events"
	"spool.internal/events/drive"
)

// parse reads the logical path that a request is about.
func parse(r *http.Request) (events.Path, error) {
	// The router was given a cleaned path. What the client wrote counts: a path
	// with ".." in it is a mistake, wherever it leads.
	sent, err := url.ParseRequestURI(r.RequestURI)
	if err != nil || slices.Contains(strings.Split(sent.Path, "/"), "..") {
		return events.Path{}, events.Faultf(events.Invalid, "path", `contains "..": give the path without it`)
	}
	return events.ParsePath("path", strings.TrimPrefix(r.URL.Path, Prefix))
}

// drives gives the path that a request is about, and the drives as its caller
// may use them.
func (a *API) drives(r *http.Request) (events.Path, *drive.Drives, error) {
	p, err := parse(r)
	if err != nil {
		return p, nil, err
	}
	drives, err := a.drivesOn(a.Token(r), p)
	return p, drives, err
}

// drivesOn gives the drives as a token may use them, if it reaches a path.
func (a *API) drivesOn(token events.Token, p events.Path) (*drive.Drives, error) {
	reach := token.Access()
	if err := reach.Check("path", p); err != nil {
		return nil, err
	}
	if p.Reserved() {
		return nil, errNotFound
	}
	return a.Drives.As(reach), nil
}

// target is a name that is to be changed, and the folder in which it lies. That
// is open: what happens to the names of folders meanwhile makes no difference.
type target struct {
	drives *drive.Drives // as the caller may use them
	parent events.Path   // where the name lies
	name   string
	at     events.Path // what is open: the parent, or the nearest folder above it that exists
	dir    *os.Root
}

// toChange reads the path that a request is to change.
func (a *API) toChange(r *http.Request) (events.Path, error) {
	if err := a.Token(r).MayWrite(); err != nil {
		return events.Path{}, err
	}
	return parse(r)
}

// open opens the folder of what is to be changed for a token. The caller closes it.
func (a *API) open(token events.Token, p events.Path, create bool) (target, error) {
	if err := token.MayWrite(); err != nil {
		return target{}, err
	}
	drives, err := a.drivesOn(token, p)
	if err != nil {
		return target{}, err
	}
	host, rel := drives.Locate(p)
	if rel == "." {
		return target{}, events.Faultf(events.Invalid, "path", "is the root of a drive: give a path inside it")
	}
	t := target{drives: drives, parent: above(p), name: path.Base(p.Rel)}
	base := drives.Base(p)
	t.at = t.parent
	t.dir, err = drives.OpenDir(t.at)
	// What is above need not be the caller's: nothing gets a name there.
	for create && errors.Is(err, fs.ErrNotExist) && t.at != base {
		t.at = above(t.at)
		t.dir, err = a.Drives.OpenDir(t.at)
	}
	if create && errors.Is(err, fs.ErrNotExist) {
		if t.dir, err = a.Drives.Create(base); err == nil {
			syncAbove(host)
		}
	}
	return t, err
}

// above is the folder in which a path lies.
func above(p events.Path) events.Path {
	dir := path.Dir(p.Rel)
	if dir == "." {
		dir = ""
	}
	return events.Path{Drive: p.Drive, Rel: dir}
}

// syncAbove makes the name of a new drive durable, with the folders of its
// owner and repository above it, where the file system can.
func syncAbove(dir string) {
	for range 4 { // drive, fs, repo, owner
		dir = filepath.Dir(dir)
		if d, err := os.Open(dir); err == nil {
			_ = d.Sync()
			_ = d.Close()
		}
	}
}
