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
)

// Names that do not exist for this API, wherever they stand in a path.
const (
	stages = ".spool"         // where the watcher stages files
	upload = ".spool-upload-" // what the name of a file begins with while it is received
)

func reserved(name string) bool {
	name = strings.ToLower(name) // some file systems do not tell cases apart
	return name == stages || strings.HasPrefix(name, upload)
}

// parse reads the logical path that a request is about.
func parse(r *http.Request) (events.Path, error) {
	// The router was given a cleaned path. What the client wrote counts: a path
	// with ".." in it is a mistake, wherever it leads.
	sent, err := url.ParseRequestURI(r.RequestURI)
	if err != nil || slices.Contains(strings.Split(sent.Path, "/"), "..") {
		return events.Path{}, events.Faultf(events.Invalid, "path", `contains "..": give the path without it`)
	}
	p, err := events.ParsePath("path", strings.TrimPrefix(r.URL.Path, Prefix))
	if err == nil && slices.ContainsFunc(strings.Split(p.Rel, "/"), reserved) {
		return events.Path{}, errNotFound
	}
	return p, err
}

// target is a path that is to be changed, below the open root of its drive.
type target struct {
	root *os.Root
	rel  string // slash-separated, not the root itself
}

func (t target) dir() string { return path.Dir(t.rel) }

// open opens the drive of the path that a request is to change. The caller
// closes the root.
func (a *API) open(r *http.Request, create bool) (target, error) {
	if err := a.checkWriter(r); err != nil {
		return target{}, err
	}
	p, err := parse(r)
	if err != nil {
		return target{}, err
	}
	host, rel := a.Drives.Locate(p)
	if rel == "." {
		return target{}, events.Faultf(events.Invalid, "path", "is the root of a drive: give a path inside it")
	}
	root, err := os.OpenRoot(host)
	if errors.Is(err, fs.ErrNotExist) && create {
		if root, err = a.Drives.Create(a.Drives.Base(p)); err != nil {
			return target{}, err
		}
		syncAbove(host)
	}
	return target{root, filepath.ToSlash(rel)}, err
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
