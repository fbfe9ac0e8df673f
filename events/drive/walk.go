package drive

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"spool.internal/events"
)

// maxLinks is how many links a path may lead through, as Linux has it.
const maxLinks = 40

// errWalk says that a path cannot be opened in one step: it leads through a
// link or a mount, or this system has no such call.
var errWalk = errors.New("the path has to be walked")

// walker goes down a path name by name, and follows links itself: so it knows
// the real name of each thing on the way. Every step is proven to have led to
// what was seen at the name.
type walker struct {
	drives   *Drives
	base     events.Path // of the first of dirs
	dirs     []*os.Root  // from the root to where it stands; the first is not its own
	names    []string    // real names, of dirs[1:] and of last
	todo     []step
	links    int
	linkless bool   // a link is no way
	reserved bool   // a reserved name stands in the path as it was asked for
	last     string // what stands at the end and is no folder, in the last of dirs; "" = nothing
	seen     fs.FileInfo
}

// step is a name to come; one that a link brought in is not created.
type step struct {
	name   string
	linked bool
}

func steps(path string, linked bool) (all []step) {
	for name := range strings.SplitSeq(filepath.ToSlash(path), "/") {
		if name != "" && name != "." {
			all = append(all, step{name, linked})
		}
	}
	return all
}

// walk goes from root, which is base, to rel; with create it makes the folders
// that are missing. After an error nothing is left open.
func (d *Drives) walk(root *os.Root, base events.Path, rel string, create bool) (*walker, error) {
	w := &walker{drives: d, base: base, dirs: []*os.Root{root}, todo: steps(rel, false)}
	for _, s := range w.todo {
		w.reserved = w.reserved || events.Reserved(s.name)
	}
	if err := w.run(create); err != nil {
		return nil, err
	}
	if err := d.judge(base, w.names...); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

// run goes all the way.
func (w *walker) run(create bool) error {
	for len(w.todo) > 0 {
		next := w.todo[0]
		w.todo = w.todo[1:]
		if err := w.step(next, create && !next.linked); err != nil {
			if w.links > 0 { // what must not be reached looks as if it did not exist
				err = cmp.Or(w.drives.judge(w.base, append(w.names, next.name)...), err)
			}
			w.close()
			return err
		}
	}
	return nil
}

func (w *walker) step(s step, create bool) error {
	if w.last != "" {
		return &fs.PathError{Op: "open", Path: s.name, Err: syscall.ENOTDIR}
	}
	if s.name == ".." { // only links say so
		if len(w.names) == 0 {
			return ErrOutside
		}
		w.up()
		return nil
	}
	if w.links > 0 && (w.reserved || events.Reserved(s.name)) {
		return ErrReserved
	}
	at := w.dirs[len(w.dirs)-1]
	seen, err := at.Lstat(s.name)
	if create && errors.Is(err, fs.ErrNotExist) {
		if err := w.drives.judge(w.base, append(slices.Clone(w.names), s.name)...); err != nil {
			return err
		}
		if err := at.Mkdir(s.name, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		seen, err = at.Lstat(s.name)
	}
	switch {
	case err != nil:
		return err
	case seen.Mode()&fs.ModeSymlink != 0 && w.linkless:
		return ErrLink
	case seen.Mode()&fs.ModeSymlink != 0:
		return w.follow(at, s.name)
	case !seen.IsDir():
		w.last, w.seen, w.names = s.name, seen, append(w.names, s.name)
		return nil
	}
	dir, err := at.OpenRoot(s.name)
	if err != nil {
		return changing(err)
	}
	if dir, err = same(dir, seen); err != nil {
		return err
	}
	if err := w.drives.guard.check(seen, false); err != nil {
		return errors.Join(err, dir.Close())
	}
	w.dirs, w.names = append(w.dirs, dir), append(w.names, s.name)
	return nil
}

// follow puts what a link says before what is to come.
func (w *walker) follow(at *os.Root, name string) error {
	target, err := at.Readlink(name)
	if err != nil {
		return changing(err)
	}
	if w.links++; w.links > maxLinks {
		return &fs.PathError{Op: "open", Path: name, Err: syscall.ELOOP}
	}
	if filepath.IsAbs(target) || strings.HasPrefix(target, "/") {
		return ErrOutside
	}
	if w.reserved {
		return ErrReserved
	}
	w.todo = append(steps(target, true), w.todo...)
	return nil
}

func (w *walker) up() {
	_ = w.dirs[len(w.dirs)-1].Close() // nothing was written to it
	w.dirs, w.names = w.dirs[:len(w.dirs)-1], w.names[:len(w.names)-1]
}

// open opens what the walk led to.
func (w *walker) open(flag int) (*os.File, error) {
	at := w.dirs[len(w.dirs)-1]
	if w.last == "" {
		return at.OpenFile(".", flag, 0)
	}
	f, err := at.OpenFile(w.last, flag|noFollow, 0)
	if err != nil {
		return nil, changing(err)
	}
	is, err := f.Stat()
	if err == nil && os.SameFile(is, w.seen) {
		return f, nil
	}
	if err == nil {
		err = ErrChanging
	}
	return nil, errors.Join(err, f.Close())
}

// take gives the folder that the walk led to; the caller closes it.
func (w *walker) take() (*os.Root, error) {
	n := len(w.dirs) - 1
	switch {
	case w.last != "":
		return nil, &fs.PathError{Op: "open", Path: w.last, Err: syscall.ENOTDIR}
	case n == 0: // a link to the root
		return w.dirs[0].OpenRoot(".")
	}
	dir := w.dirs[n]
	w.dirs = w.dirs[:n]
	return dir, nil
}

func (w *walker) close() {
	for len(w.dirs) > 1 {
		_ = w.dirs[len(w.dirs)-1].Close() // nothing was written to it
		w.dirs = w.dirs[:len(w.dirs)-1]
	}
}
