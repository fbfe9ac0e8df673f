package drive

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"spool.internal/events"
	"spool.internal/events/sorting"
)

// maxListed bounds a list of drives.
const maxListed = 10_000

// Place is a drive and the folder of this host that it stands for.
type Place struct {
	Path events.Path
	Host string
	Flag bool // a mapping names the folder; else it lies below the folder of all drives
}

// List gives the drives that are there: those below the folder of all drives, and those of
// mappings, whose folders need not be. Those that jobs name are recorded elsewhere. They are
// in the order of their paths.
func (d *Drives) List() ([]Place, error) {
	var all []Place
	for _, m := range d.maps {
		all = append(all, Place{m.prefix, m.dir, true})
	}
	mapped := func(drive string) bool {
		return slices.ContainsFunc(d.maps, func(m mapping) bool { return m.prefix == events.Path{Drive: drive} })
	}
	err := d.below(func(drive, host string) bool {
		if !mapped(drive) {
			all = append(all, Place{Path: events.Path{Drive: drive}, Host: host})
		}
		return len(all) < maxListed
	})
	sorting.By(all, func(a, b Place) int { return cmp.Compare(a.Path.String(), b.Path.String()) })
	return all, err
}

// below calls f with each drive that lies below the folder of all drives, as
// owner/repo/fs/drive, until f answers false. Links are no drives.
func (d *Drives) below(f func(drive, host string) bool) error {
	owners, err := foldersIn(d.base)
	for _, owner := range owners {
		repos, fault := foldersIn(filepath.Join(d.base, owner))
		err = errors.Join(err, fault)
		for _, repo := range repos {
			in := filepath.Join(d.base, owner, repo, "fs")
			names, fault := foldersIn(in)
			err = errors.Join(err, fault)
			for _, name := range names {
				if !f(owner+"/"+repo+"/fs/"+name, filepath.Join(in, name)) {
					return err
				}
			}
		}
	}
	return err
}

// foldersIn lists the folders in a folder that need not be there.
func foldersIn(dir string) (names []string, err error) {
	all, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range all {
		if e.IsDir() && !events.Reserved(e.Name()) {
			names = append(names, e.Name())
		}
	}
	return names, err
}
