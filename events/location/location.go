// Package location finds out where a folder really lies, whatever name, link or mount leads to it,
// so that two paths can be compared.
//
// Guarantees:
//
//   - Two names of one folder have the same place: links are followed, and on
//     Linux a mount of a folder at a second path counts as that folder.
//   - A folder that is not there has the place that it would have below the
//     deepest folder that is.
//   - A place is what was seen when it was asked for; nothing is held open.
//   - A path on a file system that does not answer blocks, as every system call there does.
package location

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Location is where a folder really lies.
type Location struct {
	dev  string   // the file system, where it is known
	path string   // slash-separated and absolute; on Linux inside the file system
	ids  []string // of the folder and its parents, from the deepest that is there up; where the system tells no more
	rest string   // of path: below the deepest that is there
}

// Of finds the place of a path, which need not exist.
func Of(path string) (Location, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return Location{}, err
	}
	rest := ""
	for {
		p, err := exact(path)
		if err == nil {
			return p.below(rest), nil
		}
		parent := filepath.Dir(path)
		if !errors.Is(err, fs.ErrNotExist) || parent == path {
			return Location{}, err
		}
		rest = filepath.Join(filepath.Base(path), rest)
		path = parent
	}
}

func (p Location) below(rest string) Location {
	if rest != "" {
		p.rest = filepath.ToSlash(rest)
		p.path = strings.TrimSuffix(p.path, "/") + "/" + p.rest
	}
	return p
}

// Within reports whether p is q or lies below it.
func (p Location) Within(q Location) bool {
	if p.dev == q.dev && (p.path == q.path || q.path == "/" || strings.HasPrefix(p.path, q.path+"/")) {
		return true
	}
	if len(q.ids) == 0 || q.rest != "" && p.rest != q.rest && !strings.HasPrefix(p.rest, q.rest+"/") {
		return false
	}
	for i, id := range p.ids {
		if id == q.ids[0] && (q.rest == "" || i == 0) {
			return true
		}
	}
	return false
}

// Is reports whether p and q are the same.
func (p Location) Is(q Location) bool { return p.Within(q) && q.Within(p) }

// Depth is how many names lead to the place.
func (p Location) Depth() int { return strings.Count(strings.TrimSuffix(p.path, "/"), "/") }

// Up is the place of the parent n levels above.
func (p Location) Up(n int) Location {
	for range n {
		p.path = p.path[:max(0, strings.LastIndexByte(p.path, '/'))]
		switch {
		case p.rest != "":
			p.rest = p.rest[:max(0, strings.LastIndexByte(p.rest, '/'))]
		case len(p.ids) > 0:
			p.ids = p.ids[1:]
		}
	}
	if p.path == "" {
		p.path = "/"
	}
	return p
}

// Name is the last name of the place.
func (p Location) Name() string { return p.path[strings.LastIndexByte(p.path, '/')+1:] }

// Key is the same for places that were found to be the same. Two names of one
// folder have one key, but for file systems that are mounted as two.
func (p Location) Key() string { return p.dev + ":" + p.path }

// named is a place by its path without links, for systems that tell no more.
func named(path string) (Location, error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return Location{}, err
	}
	p := Location{path: filepath.ToSlash(real)}
	for dir := real; ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			return p, nil //nolint:nilerr // the path alone has to do
		}
		id := identity(info)
		if id == "" {
			return p, nil
		}
		p.ids = append(p.ids, id)
		if dir == filepath.Dir(dir) {
			return p, nil
		}
	}
}
