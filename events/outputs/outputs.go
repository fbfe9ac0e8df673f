package outputs

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"

	"spool.internal/events"
	"spool.internal/events/sorting"
)

// Own reports that the output folder of a run is its own alone, so that everything in it is
// what the run has written.
func Own(ev events.RunEvent) bool {
	return strings.HasSuffix(path.Base(ev.OutputFolder), "-"+ev.FlowJobID)
}

// Named are the files that a run named when it ended, of those after a path the first few.
func Named(ev events.RunEvent, after string, limit int) (files []events.OutputFile, more bool) {
	named := slices.Clone(ev.Outputs)
	sorting.By(named, func(a, b events.Output) int { return compare(a.Path, b.Path) })
	for _, f := range named {
		if after != "" && compare(f.Path, after) <= 0 || hidden(f.Path) {
			continue
		}
		if len(files) == limit {
			return files, true
		}
		files = append(files, events.OutputFile{Path: f.Path, Size: f.Size})
	}
	return files, false
}

// Has reports that a run named a file when it ended.
func Has(ev events.RunEvent, file string) bool {
	return slices.ContainsFunc(ev.Outputs, func(o events.Output) bool { return o.Path == file })
}

// compare orders paths as a walk meets them: name by name.
func compare(a, b string) int { return slices.Compare(strings.Split(a, "/"), strings.Split(b, "/")) }

// hidden reports that a path leads through what Spool keeps on a drive for itself.
func hidden(file string) bool { return slices.ContainsFunc(strings.Split(file, "/"), events.Reserved) }

// errEnough ends a walk.
var errEnough = errors.New("enough")

// List gives the files below a folder, of those after a path the first few.
func List(ctx context.Context, folder *os.Root, after string, limit int) (files []events.OutputFile, more bool, err error) {
	err = fs.WalkDir(folder.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case name == ".":
			return err
		case entry != nil && events.Reserved(entry.Name()), passed(name, entry, after):
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case err != nil && entry != nil, err == nil && !entry.Type().IsRegular():
			return nil // closed to us, a folder, a link
		case err != nil:
			return err
		case after != "" && compare(name, after) <= 0:
			return nil
		}
		info, err := entry.Info()
		if err != nil {
			return nil //nolint:nilerr // gone meanwhile
		}
		if len(files) == limit {
			more = true
			return errEnough
		}
		files = append(files, events.OutputFile{Path: name, Size: info.Size(), Modified: info.ModTime().UTC()})
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return files, more, err
}

// passed reports that all of a folder stands before a path.
func passed(name string, entry fs.DirEntry, after string) bool {
	return entry != nil && entry.IsDir() && after != "" && compare(name, after) < 0 && !strings.HasPrefix(after, name+"/")
}

// Open opens one file below a folder. The error is fs.ErrNotExist for all that List leaves out.
func Open(folder *os.Root, file string) (*os.File, fs.FileInfo, error) {
	if !fs.ValidPath(file) || file == "." || hidden(file) {
		return nil, nil, fs.ErrNotExist
	}
	info, err := folder.Lstat(file)
	if err == nil && !info.Mode().IsRegular() {
		err = fs.ErrNotExist
	}
	if err != nil {
		return nil, nil, err
	}
	f, err := folder.OpenFile(file, os.O_RDONLY|syscall.O_NONBLOCK, 0) // it may have become a pipe
	if err != nil {
		return nil, nil, err
	}
	if info, err = f.Stat(); err == nil && !info.Mode().IsRegular() {
		err = fs.ErrNotExist
	}
	if err != nil {
		_ = f.Close()
		return nil, nil, err
	}
	return f, info, nil
}
