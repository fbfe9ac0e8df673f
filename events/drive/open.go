package drive

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"spool.internal/events"
)

// Why a path is refused whatever lies there.
var (
	ErrOutside  = errors.New("a link leads out of the drive")
	ErrReserved = errors.New("a link leads to a folder that is Spool's own")
	ErrLink     = errors.New("a link is in the way")
	ErrChanging = errors.New("it changes while it is opened")
)

// maxTries is how often something is opened anew that was changed meanwhile.
const maxTries = 5

// Open opens the drive of p; rel is p inside it. The caller closes the root.
// A drive that is not there is fs.ErrNotExist. Whoever opens rel in the root
// follows links inside the drive without judging where they lead: use
// [Drives.OpenDir] and the others.
func (d *Drives) Open(p events.Path) (root *os.Root, rel string, err error) {
	dir, rel := d.Locate(p)
	if root, err = os.OpenRoot(dir); err != nil {
		return nil, rel, err
	}
	if err := d.guard.admit(root, dir); err != nil {
		return nil, rel, errors.Join(err, root.Close())
	}
	return root, rel, nil
}

// OpenDir opens the folder p. In the root that it gives, names lead to nothing
// outside the folder.
func (d *Drives) OpenDir(p events.Path) (*os.Root, error) {
	return d.dir(p, false)
}

// Below opens a folder below one that is open. No link leads to it.
func (d *Drives) Below(folder *os.Root, below string) (*os.Root, error) {
	w := &walker{drives: d, dirs: []*os.Root{folder}, todo: steps(below, false), linkless: true}
	if err := w.run(false); err != nil {
		return nil, err
	}
	defer w.close()
	return w.take()
}

// CreateBelow makes a folder below one that is open, with those on the way, and opens
// it as [Drives.Below] does.
func (d *Drives) CreateBelow(folder *os.Root, below string) (*os.Root, error) {
	w := &walker{drives: d, dirs: []*os.Root{folder}, todo: steps(below, false), linkless: true}
	if err := w.run(true); err != nil {
		return nil, err
	}
	defer w.close()
	return w.take()
}

// Create makes the folder p, and the drive itself when it is absent, and opens
// it as [Drives.OpenDir] does.
func (d *Drives) Create(p events.Path) (*os.Root, error) {
	dir, err := d.dir(p, false)
	if !errors.Is(err, fs.ErrNotExist) {
		return dir, err
	}
	host, _ := d.Locate(p)
	if err := os.MkdirAll(host, 0o755); err != nil {
		return nil, err
	}
	return d.dir(p, true)
}

// OpenPath opens the folder or file p, for whoever describes or passes on what
// lies there, and need not have the permission to read it: on Linux the file is
// an O_PATH descriptor, elsewhere one for reading.
func (d *Drives) OpenPath(p events.Path) (*os.File, error) { return d.file(p, pathFlags) }

// OpenFile opens the file or folder p for reading. It does not wait for the
// other end of a pipe.
func (d *Drives) OpenFile(p events.Path) (*os.File, error) {
	return d.file(p, os.O_RDONLY|syscall.O_NONBLOCK)
}

// Stat describes p.
func (d *Drives) Stat(p events.Path) (fs.FileInfo, error) {
	f, err := d.OpenPath(p)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	return info, errors.Join(err, f.Close())
}

// Check refuses an open file of a folder that [Drives.OpenDir] has opened: a
// secret of Spool's that has another name there. The error is [ErrKept].
func (d *Drives) Check(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return d.guard.check(info, true)
}

// IsRoot reports whether an open folder is the root of the drive of p, by
// whatever name it was opened.
func (d *Drives) IsRoot(p events.Path, folder *os.Root) (bool, error) {
	is, err := folder.Stat(".")
	if err != nil {
		return false, err
	}
	root, _, err := d.Open(p)
	if err != nil {
		return false, err
	}
	defer root.Close()
	top, err := root.Stat(".")
	return err == nil && os.SameFile(is, top), err
}

// file opens p as it is now.
func (d *Drives) file(p events.Path, flag int) (f *os.File, err error) {
	for range maxTries {
		if f, err = d.tryFile(p, flag); !errors.Is(err, ErrChanging) {
			break
		}
	}
	return f, err
}

func (d *Drives) tryFile(p events.Path, flag int) (*os.File, error) {
	if err := d.judge(p); err != nil {
		return nil, err
	}
	root, rel, err := d.Open(p)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	f, err := beneath(root, rel, flag)
	plain := !errors.Is(err, errWalk)
	if !plain {
		w, werr := d.walk(root, d.Base(p), rel, false)
		if werr != nil {
			return nil, werr
		}
		defer w.close()
		f, err = w.open(flag)
	}
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil {
		err = d.guard.check(info, plain)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// dir opens the folder p as it is now.
func (d *Drives) dir(p events.Path, create bool) (dir *os.Root, err error) {
	for range maxTries {
		if dir, err = d.tryDir(p, create); !errors.Is(err, ErrChanging) {
			break
		}
	}
	return dir, err
}

func (d *Drives) tryDir(p events.Path, create bool) (*os.Root, error) {
	if err := d.judge(p); err != nil {
		return nil, err
	}
	root, rel, err := d.Open(p)
	if err != nil {
		return nil, err
	}
	if rel == "." {
		return root, nil
	}
	defer root.Close()
	if !create {
		dir, err := dirBeneath(root, rel)
		if !errors.Is(err, errWalk) {
			return dir, err
		}
	}
	w, err := d.walk(root, d.Base(p), rel, create)
	if err != nil {
		return nil, err
	}
	defer w.close()
	return w.take()
}

// dirBeneath opens a folder to which no link leads. An [os.Root] is opened by
// its name only, so it is compared with the descriptor that was judged.
func dirBeneath(root *os.Root, rel string) (*os.Root, error) {
	judged, err := beneath(root, rel, pathFlags)
	if err != nil {
		return nil, err
	}
	defer judged.Close()
	want, err := judged.Stat()
	if err != nil {
		return nil, err
	}
	if !want.IsDir() {
		return nil, &fs.PathError{Op: "open", Path: rel, Err: syscall.ENOTDIR}
	}
	dir, err := root.OpenRoot(rel)
	if err != nil {
		return nil, changing(err)
	}
	return same(dir, want)
}

// same gives a folder that was opened by a name, if it is the one that was seen there.
func same(dir *os.Root, want fs.FileInfo) (*os.Root, error) {
	is, err := dir.Stat(".")
	if err == nil && os.SameFile(is, want) {
		return dir, nil
	}
	if err == nil {
		err = ErrChanging
	}
	return nil, errors.Join(err, dir.Close())
}

// changing says that something cannot be opened that could a moment ago.
func changing(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return err
	}
	return errors.Join(ErrChanging, err)
}
