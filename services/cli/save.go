package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// saver writes files that came from a server into a folder of the person's. Their names are
// somebody else's: nothing is written outside the folder, also not through a link in it.
type saver struct {
	root  *os.Root
	shown string // the folder, as the person called it
	force bool   // replace what is there
}

func openSaver(folder string, force bool) (*saver, error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, fmt.Errorf("to: %w", err)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, fmt.Errorf("to: %w", err)
	}
	return &saver{root, folder, force}, nil
}

func (s *saver) close() { _ = s.root.Close() } // nothing is written through it

// safeName returns a path below a folder for a path that somebody else chose: what would
// lead out of the folder, or is not for a terminal, becomes _.
func safeName(name string) string {
	var parts []string
	for part := range strings.SplitSeq(name, "/") {
		part = strings.Map(func(r rune) rune {
			if unsafeRune(r) || r == utf8.RuneError || r == '\\' || r == ':' && filepath.Separator == '\\' {
				return '_'
			}
			return r
		}, strings.ToValidUTF8(part, "_"))
		switch part {
		case "", ".":
			continue
		case "..":
			part = "_"
		}
		if !filepath.IsLocal(part) { // a device of Windows
			part = "_" + part
		}
		parts = append(parts, part)
	}
	if len(parts) == 0 {
		return "_"
	}
	return path.Join(parts...)
}

// save writes a file. It has its name when it is whole; what breaks off leaves nothing.
func (s *saver) save(name string, content io.Reader) (where string, err error) {
	name = safeName(name)
	where = filepath.Join(s.shown, filepath.FromSlash(name))
	if _, err := s.root.Lstat(name); err == nil && !s.force {
		return where, failure(Refused, "%s exists: --force replaces it", where)
	}
	if dir := path.Dir(name); dir != "." {
		if err := s.root.MkdirAll(dir, 0o755); err != nil {
			return where, fmt.Errorf("to: %w", err)
		}
	}
	part := path.Join(path.Dir(name), "."+path.Base(name)+".part")
	if err := s.root.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) { // of an earlier try
		return where, fmt.Errorf("to: %w", err)
	}
	f, err := s.root.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return where, fmt.Errorf("to: %w", err)
	}
	if _, err = io.Copy(f, content); err != nil {
		err = fmt.Errorf("%s broke off: %w", where, err)
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = s.root.Rename(part, name)
	}
	if err != nil {
		_ = s.root.Remove(part) // the error is what counts
	}
	return where, err
}
