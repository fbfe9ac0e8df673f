package events

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// maxPath is the longest logical path, in bytes.
const maxPath = 4096

// Path is a logical path <owner>/<repo>/fs/<drive>/<rel>, normalised.
type Path struct {
	Drive string // "<owner>/<repo>/fs/<drive>"
	Rel   string // below the drive, slash-separated; empty at its root
}

// ParsePath reads a logical path. A leading slash, a trailing one, doubled ones
// and "." are accepted and taken out; spaces are part of a name. The error is
// of code Invalid, with field as its field.
func ParsePath(field, s string) (Path, error) {
	parts, err := splitPath(field, s)
	if err != nil {
		return Path{}, err
	}
	if len(parts) < 4 || parts[2] != "fs" {
		return Path{}, Faultf(Invalid, field, "must have the form owner/repo/fs/drive/path")
	}
	return Path{strings.Join(parts[:4], "/"), strings.Join(parts[4:], "/")}, nil
}

// splitPath gives the names of a path.
func splitPath(field, s string) ([]string, error) {
	switch {
	case s == "":
		return nil, Faultf(Invalid, field, "is empty: give a path like owner/repo/fs/drive/folder")
	case len(s) > maxPath:
		return nil, Faultf(Invalid, field, "is %d bytes long; at most %d are allowed", len(s), maxPath)
	case !utf8.ValidString(s):
		return nil, Faultf(Invalid, field, "is not valid UTF-8")
	case strings.ContainsRune(s, 0):
		return nil, Faultf(Invalid, field, "contains a NUL")
	}
	var parts []string
	for p := range strings.SplitSeq(s, "/") {
		switch p {
		case "", ".":
		case "..":
			return nil, Faultf(Invalid, field, `contains "..": give the path without it`)
		default:
			parts = append(parts, p)
		}
	}
	return parts, nil
}

// ParseInside is [ParsePath] for a path that may not be the root of its drive.
func ParseInside(field, s string) (Path, error) {
	p, err := ParsePath(field, s)
	if err == nil && p.Rel == "" {
		return Path{}, Faultf(Invalid, field, "is the root of a drive: give a path inside it")
	}
	return p, err
}

// Join adds slash-separated names below p.
func (p Path) Join(names ...string) Path {
	rel := strings.Join(names, "/")
	if p.Rel != "" {
		rel = p.Rel + "/" + rel
	}
	return Path{p.Drive, strings.TrimSuffix(rel, "/")}
}

// Sibling is the path beside p with another last name.
func (p Path) Sibling(name string) Path {
	dir := ""
	if i := strings.LastIndexByte(p.Rel, '/'); i >= 0 {
		dir = p.Rel[:i+1]
	}
	return Path{p.Drive, dir + name}
}

// Within reports whether p is dir or lies below it.
func (p Path) Within(dir Path) bool {
	return p.Drive == dir.Drive && (dir.Rel == "" || p.Rel == dir.Rel || strings.HasPrefix(p.Rel, dir.Rel+"/"))
}

func (p Path) String() string {
	if p.Rel == "" {
		return p.Drive
	}
	return p.Drive + "/" + p.Rel
}

// What Spool keeps on drives for itself, whatever the case of the letters.
const (
	StageRoot    = ".spool"         // the folder at the root of a drive in which files are staged
	UploadPrefix = ".spool-upload-" // what the name of a file begins with while it is received
	AfterPrefix  = ".spool-after-"  // what the name of a file begins with while it is moved after its run
)

// Reserved reports that a name on a drive is Spool's own, wherever it stands in
// a path.
func Reserved(name string) bool {
	name = strings.ToLower(name) // some file systems do not tell cases apart
	return name == StageRoot || strings.HasPrefix(name, UploadPrefix) || strings.HasPrefix(name, AfterPrefix)
}

// Reserves refuses a path for its reserved name.
func Reserves(field string) error {
	return Faultf(Invalid, field, "leads into what Spool keeps on the drive for itself: give another folder")
}

// Reserved reports that the path has a reserved name in it, or is one that only
// Spool makes.
func (p Path) Reserved() bool {
	return p.Generated() || slices.ContainsFunc(strings.Split(p.Rel, "/"), Reserved)
}
