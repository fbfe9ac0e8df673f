package drive

import (
	"os"
	"path/filepath"
	"strings"
	"time"

	"spool.internal/events"
)

// maxServed bounds how many drives a place tells of.
const maxServed = 1000

// At says which place this host is; "" = its drives are those of all.
func (d *Drives) At(place string) { d.place = place }

// Place is the one of [Drives.At].
func (d *Drives) Place() string { return d.place }

// Serves reports whether the drive of a path is here, and whether it is the same folder at all places
// that serve it. Without a place every drive is here.
func (d *Drives) Serves(p events.Path) (here, shared bool) {
	if d.place == "" {
		return true, true
	}
	longest := -1
	for _, m := range d.maps {
		if p.Within(m.prefix) && len(m.prefix.Rel) > longest {
			longest, shared = len(m.prefix.Rel), m.shared
		}
	}
	if longest >= 0 {
		return true, shared
	}
	if at := p.HostMachine(); at != "" {
		return at == d.place, false
	}
	if place, dir := d.host(p); dir != "" && p.Within(place) {
		return isFolder(dir), false
	}
	return isFolder(filepath.Join(d.base, filepath.FromSlash(p.Drive))), false
}

// isFolder reports whether a folder is there. One that does not answer soon is: it was there when its
// mount was.
func isFolder(dir string) bool {
	found := make(chan bool, 1)
	go func() { // ends when the file system answers
		info, err := os.Stat(dir)
		found <- err == nil && info.IsDir()
	}()
	select {
	case is := <-found:
		return is
	case <-time.After(2 * time.Second):
		return true
	}
}

// Served lists the drives that are here, for the other places; recorded are the folders of hosts that
// jobs name.
func (d *Drives) Served(recorded []events.HostDrive) []events.ServedDrive {
	all := []events.ServedDrive{}
	for _, m := range d.maps {
		all = append(all, events.ServedDrive{Name: m.prefix.String(), Shared: m.shared, ID: d.proofs.of(m.prefix)})
	}
	for _, r := range recorded {
		if p, err := events.ParsePath("", r.Path); err == nil && p.HostMachine() == "" && isFolder(r.Host) {
			all = append(all, events.ServedDrive{Name: r.Path})
		}
	}
	_ = d.below(func(drive, _ string) bool { // what cannot be listed is not here
		if !strings.Contains(drive, "/host/fs/") {
			all = append(all, events.ServedDrive{Name: drive})
		}
		return len(all) < maxServed
	})
	return all[:min(len(all), maxServed)]
}
