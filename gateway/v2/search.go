package v2

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"spool.internal/events"
	"spool.internal/events/fileid"
	"spool.internal/events/sorting"
)

// searchBatch is how many files are asked about at once.
const searchBatch = 250

// search goes through the files of a watched folder that are for a run, by their
// paths, name by name.
type search struct {
	folder  *os.Root
	watch   events.Watch
	pattern string
	after   string // begins behind this path

	batch []foundFile
}

// foundFile is a file as it lies there.
type foundFile struct {
	path string
	fileid.Stat
}

func (f foundFile) fingerprint(jobID, generation string) string {
	return fileid.Fingerprint(jobID, f.path, generation, f.Stat)
}

// each calls f with files until it fails.
func (s *search) each(ctx context.Context, f func([]foundFile) error) error {
	err := s.dir(ctx, "", f)
	if err == nil && len(s.batch) > 0 {
		err = f(s.batch)
	}
	return err
}

func (s *search) dir(ctx context.Context, below string, f func([]foundFile) error) error {
	dir, err := s.folder.Open(path.Join(".", below))
	if err != nil {
		if below != "" && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission)) {
			return nil // gone meanwhile, or nothing that could be run
		}
		return err
	}
	defer dir.Close() //nolint:errcheck // was only read
	entries, err := dir.ReadDir(-1)
	if err != nil {
		return err
	}
	sorting.By(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	for _, e := range entries {
		rel := path.Join(below, e.Name())
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case s.watch.WhyIgnored(rel) != "":
		case e.IsDir() && s.watch.Recursive && !s.behind(rel):
			err = s.dir(ctx, rel, f)
		case e.Type().IsRegular() && s.watch.Includes(rel) && events.Matches(s.pattern, rel) && comparePaths(rel, s.after) > 0:
			err = s.take(dir, rel, f)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *search) take(dir *os.File, rel string, f func([]foundFile) error) error {
	info, err := fileid.At(s.folder, dir, path.Base(rel))
	if err != nil || !info.Regular {
		return nil //nolint:nilerr // it has gone meanwhile
	}
	s.batch = append(s.batch, foundFile{rel, info.Stat})
	if len(s.batch) < searchBatch {
		return nil
	}
	batch := s.batch
	s.batch = nil
	return f(batch)
}

// behind reports that all in a folder comes before what is looked for.
func (s *search) behind(dir string) bool {
	return comparePaths(dir, s.after) < 0 && !strings.HasPrefix(s.after, dir+"/")
}

// comparePaths puts paths into the order in which a search finds them.
func comparePaths(a, b string) int {
	return slices.Compare(strings.Split(a, "/"), strings.Split(b, "/"))
}
