package drive

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"spool.internal/events"
)

// Host says which folder of the host a recorded drive stands for; "" = it is not
// recorded. It may ask somebody.
type Host func(events.Path) (dir string, err error)

// hosts are the drives that are recorded. One that is found stays as it is.
type hosts struct {
	find Host

	mu     sync.Mutex
	found  map[events.Path]string
	missed map[events.Path]time.Time
}

// missedHolds is how long a drive that is not recorded is not asked for again, and
// askFor how long one is when there is no answer.
const (
	missedHolds = time.Second
	askFor      = 10 * time.Second
)

// Recorded has the drives look for those that are recorded elsewhere, when a path
// has the form of one and no mapping has it.
func (d *Drives) Recorded(find Host) { d.hosts.find = find }

// Add makes a folder of the host a drive, if it may be one.
func (d *Drives) Add(p events.Path, dir string) error {
	err := d.MayAdd(dir)
	if err == nil {
		d.Know(p, dir)
	}
	return err
}

// MayAdd says why a folder of the host may be no drive, by the rules of all drives. The
// error is an [events.Error] without a field.
func (d *Drives) MayAdd(dir string) error {
	if dir != filepath.Clean(dir) || !filepath.IsAbs(dir) {
		return events.Faultf(events.Invalid, "", "%s is not the plain absolute path of a folder: give it without . and ..", dir)
	}
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return events.Faultf(events.Invalid, "", "%s is not a folder", dir)
	}
	return d.beside(dir)
}

// Know takes in a drive that is recorded.
func (d *Drives) Know(p events.Path, dir string) {
	d.hosts.mu.Lock()
	defer d.hosts.mu.Unlock()
	d.hosts.found[p] = dir
}

// beside refuses a folder that lies in a drive or in the data folder, or holds one.
func (d *Drives) beside(dir string) error {
	if data := d.guard.data; data != "" && (isIn(dir, data) || isIn(data, dir)) {
		return events.Faultf(events.Invalid, "", "%s contains the data folder %s or lies in it: give a folder of its own", dir, data)
	}
	others := []string{d.base}
	for _, m := range d.maps {
		others = append(others, m.dir)
	}
	d.hosts.mu.Lock()
	for _, other := range d.hosts.found {
		others = append(others, other)
	}
	d.hosts.mu.Unlock()
	for _, other := range others {
		switch {
		case other == dir && other != d.base: // the same folder under two names is one drive
		case isIn(dir, other):
			return events.Faultf(events.Invalid, "", "%s lies inside the drive %s: give the path on that drive", dir, other)
		case isIn(other, dir):
			return events.Faultf(events.Invalid, "", "%s holds the drive %s: give a folder of its own", dir, other)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil //nolint:nilerr // it does not exist or cannot be read here: that is reported when it is used
	}
	defer root.Close()
	if err := d.guard.judge(root, dir); err != nil {
		return events.Faultf(events.Invalid, "", "%s", strings.TrimPrefix(err.Error(), ErrKept.Error()+": "))
	}
	return nil
}

// host gives the folder of a recorded drive that p lies in.
func (d *Drives) host(p events.Path) (place events.Path, dir string) {
	place, ok := p.HostPlace()
	if at := p.HostMachine(); !ok || at != "" && d.place != "" && at != d.place { // a folder of another machine
		return place, ""
	}
	h := d.hosts
	h.mu.Lock()
	dir, known := h.found[place]
	lately := time.Since(h.missed[place]) < missedHolds
	h.mu.Unlock()
	if known || lately || h.find == nil {
		return place, dir
	}
	var err error
	for begun := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		if dir, err = h.find(place); err == nil || time.Since(begun) > askFor {
			break
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if dir != "" && err == nil {
		h.found[place] = dir
	} else {
		if len(h.missed) >= maxKnown {
			clear(h.missed)
		}
		h.missed[place] = time.Now()
	}
	return place, dir
}

// Mapping is a drive that lies in a named folder of the host.
type Mapping struct{ Path, Host string }

// Mappings gives the drives that New was given.
func (d *Drives) Mappings() []Mapping {
	all := make([]Mapping, 0, len(d.maps))
	for _, m := range d.maps {
		all = append(all, Mapping{m.prefix.String(), m.dir})
	}
	return all
}

// Inside reports whether a host path is dir or lies below it. It compares names and follows no link.
func Inside(path, dir string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}
