package v2

import (
	"cmp"
	"context"
	"io/fs"
	"net/url"
	"strings"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/events/sorting"
	"spool.internal/gateway/change"
)

// Bounds on a look into a folder.
const (
	maxEntries = 200  // that are shown
	maxNames   = 5000 // that are read
)

// FolderView is what lies in a folder, for somebody who chooses. Without a path it is the
// drives.
type FolderView struct {
	Path    string
	Above   string // "" of the root of a drive
	Entries []FolderEntry
	More    bool // there are more
}

// FolderEntry is a folder, a drive, or a file.
type FolderEntry struct {
	Name, Path string
	Folder     bool
}

// LookInto gives what lies in a folder that the caller reaches, folders first. Hidden
// names are left out.
func (a *API) LookInto(ctx context.Context, who change.Caller, path string) (v FolderView, err error) {
	if path == "" {
		all, err := a.ListDrives(ctx, who, url.Values{})
		for _, d := range all.Drives {
			v.Entries = append(v.Entries, FolderEntry{d.Path, d.Path, true})
		}
		v.More = all.Next != ""
		return v, err
	}
	p, err := events.ParsePath("path", path)
	if err != nil {
		return v, err
	}
	if a.Drives == nil {
		return v, events.Faultf(events.Unavailable, "path", "this gateway has no drives")
	}
	if there, _ := a.where(ctx).Reached(p); !a.here(p) && len(there) > 0 {
		return v, events.Faultf(events.Unavailable, "path", "%s lies on %s: write the path, or look into it on the dashboard there", p, strings.Join(names(there), ", "))
	}
	drives := a.Drives.As(who.Access())
	if v.Path = p.String(); p.Rel != "" {
		v.Above = v.Path[:strings.LastIndexByte(v.Path, '/')]
	}
	type listing struct {
		entries []FolderEntry
		more    bool
		err     error
	}
	got, in := change.Look(func() (l listing) {
		l.entries, l.more, l.err = entriesOf(drives, p)
		return l
	})
	if !in {
		return v, events.Faultf(events.Unavailable, "path", "%s did not answer in time: is its mount away?", p)
	}
	v.Entries, v.More = got.entries, got.more
	if got.err != nil && events.CodeOf(got.err) == "" {
		return v, events.Faultf(events.NotFound, "path", "%s %s", p, drives.Why(p, got.err))
	}
	return v, got.err
}

func entriesOf(drives *drive.Drives, p events.Path) (all []FolderEntry, more bool, err error) {
	dir, err := drives.OpenDir(p)
	if err != nil {
		return nil, false, err
	}
	defer dir.Close()
	f, err := dir.Open(".")
	if err != nil {
		return nil, false, err
	}
	defer f.Close()
	names, _ := f.ReadDir(maxNames) // an error is the end, or leaves what was read
	for _, e := range names {
		if strings.HasPrefix(e.Name(), ".") || events.Reserved(e.Name()) {
			continue
		}
		at, folder := p.Join(e.Name()), e.IsDir()
		if e.Type()&fs.ModeSymlink != 0 {
			info, err := drives.Stat(at)
			if err != nil {
				continue // it leads where it must not, or nowhere
			}
			folder = info.IsDir()
		} else if !folder && !e.Type().IsRegular() {
			continue
		}
		all = append(all, FolderEntry{e.Name(), at.String(), folder})
	}
	sorting.By(all, func(x, y FolderEntry) int {
		if x.Folder != y.Folder {
			if x.Folder {
				return -1
			}
			return 1
		}
		return cmp.Compare(x.Name, y.Name)
	})
	more = len(names) == maxNames || len(all) > maxEntries
	return all[:min(len(all), maxEntries)], more, nil
}
