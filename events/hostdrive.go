package events

import (
	"path/filepath"
	"strings"
	"time"
)

// hostRepo is the repository of drives that are folders of the host.
const hostRepo = "/host/fs/"

// HostDrive is a folder of the host that a job of an administrator named as its
// input: a drive of that folder alone.
type HostDrive struct {
	Path string    `json:"path"` // logical; see [HostPath]
	Host string    `json:"host"` // absolute
	By   string    `json:"by"`   // the user whose job named it first
	At   time.Time `json:"at"`
}

// HostPathAt is [HostPath] for a folder of the host of a place: two machines' folders of one name are
// two drives. Without a place it is the same.
func HostPathAt(owner, host, place string) Path {
	p := HostPath(owner, host)
	if place != "" {
		p.Drive += "." + place
	}
	return p
}

// HostMachine gives the place whose host has the folder that the drive of p stands for; empty = p is of
// no such drive, or of one from before there were places.
func (p Path) HostMachine() string {
	_, name, ok := strings.Cut(p.Drive, hostRepo)
	if !ok || strings.Contains(name, "/") {
		return ""
	}
	_, place, _ := strings.Cut(name, ".")
	return place
}

// HostPath is the logical path of a folder of the host, in a repository of its
// owner's. The folder is not the root of its drive, so that what is written beside
// it (out) is not written to the host.
func HostPath(owner, host string) Path {
	name := strings.Map(func(c rune) rune {
		if c == '-' || c == '_' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' {
			return c
		}
		return '-'
	}, filepath.Base(host))
	return Path{owner + hostRepo + name + "-" + Hash(host)[:8], "in"}
}

// HostPlace gives the path of the folder that the drive of p can stand for, if it
// has the form of one.
func (p Path) HostPlace() (Path, bool) {
	place := Path{p.Drive, "in"}
	_, name, ok := strings.Cut(p.Drive, hostRepo)
	return place, ok && !strings.Contains(name, "/") && p.Within(place)
}
