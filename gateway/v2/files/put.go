package files

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"syscall"
	"time"

	"spool.internal/events"
	"spool.internal/gateway/v2/query"
)

// put receives a file.
func (a *API) put(w http.ResponseWriter, r *http.Request) error {
	o, err := a.putOrder(r)
	if err != nil {
		return err
	}
	t, err := a.open(r, true)
	if err != nil {
		return err
	}
	defer t.root.Close()
	folder, err := t.prepare(o.onlyNew)
	if err != nil {
		return err
	}
	a.sweep(t.root, folder)
	temporary := path.Join(folder, upload+rand.Text())
	defer t.root.Remove(temporary) //nolint:errcheck // gone, unless the PUT failed
	if err := a.receive(w, r, t.root, temporary, o.mode); err != nil {
		return err
	}
	if err := t.commit(folder, temporary, o.onlyNew); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// putOrder is what a PUT asks for beside the content.
type putOrder struct {
	mode    fs.FileMode
	onlyNew bool // refuse to replace a file
}

func (a *API) putOrder(r *http.Request) (putOrder, error) {
	o := putOrder{mode: 0o644}
	values, err := query.Read(r, "executable")
	if err != nil {
		return o, err
	}
	executable, err := flag(values, "executable")
	if err != nil {
		return o, err
	}
	if executable {
		o.mode = 0o755
	}
	switch r.Header.Get("If-None-Match") {
	case "":
	case "*":
		o.onlyNew = true
	default:
		return o, events.Faultf(events.Invalid, "If-None-Match", "must be * in a PUT: create the file, or change nothing")
	}
	if r.Header.Get("Content-Range") != "" {
		return o, events.Faultf(events.Invalid, "Content-Range", "is not known in a PUT: send the whole file")
	}
	if r.ContentLength > a.MaxUpload {
		return o, &http.MaxBytesError{Limit: a.MaxUpload}
	}
	return o, nil
}

// prepare finds what stands in the way before anything is received, and gives
// the nearest folder that exists: the file is received there.
func (t target) prepare(onlyNew bool) (folder string, err error) {
	for folder = t.dir(); ; folder = path.Dir(folder) {
		info, err := t.root.Stat(folder)
		if errors.Is(err, fs.ErrNotExist) && folder != "." {
			continue
		}
		if err != nil {
			return "", err
		}
		if !info.IsDir() {
			return "", errFileAbove
		}
		break
	}
	if folder != t.dir() {
		return folder, nil
	}
	info, err := t.root.Lstat(t.rel)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return folder, nil
	case err != nil:
		return "", err
	case info.IsDir():
		return "", errIsFolder
	case onlyNew:
		return "", errExists
	}
	return folder, nil
}

// receive writes the body into a new file, and syncs it.
func (a *API) receive(w http.ResponseWriter, r *http.Request, root *os.Root, name string, mode fs.FileMode) error {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	control := http.NewResponseController(w)
	body := &incoming{
		from: http.MaxBytesReader(w, r.Body, a.MaxUpload),
		wait: func() { _ = control.SetReadDeadline(time.Now().Add(a.Idle)) }, // not every connection has deadlines
	}
	if _, err = io.Copy(f, body); err == nil {
		// The disk takes as long as it takes. What is left of a body that failed
		// must not: the server reads on before it answers.
		_ = control.SetReadDeadline(time.Time{})
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// incoming is a body. It tells a client that failed from a disk that did.
type incoming struct {
	from io.Reader
	wait func() // for the next bytes
}

func (b *incoming) Read(p []byte) (int, error) {
	b.wait()
	n, err := b.from.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w: %w", errUpload, err)
	}
	return n, err
}

// commit gives the file its name, durably, in folders that are made for it
// below the one that it lies in.
func (t target) commit(folder, temporary string, onlyNew bool) error {
	err := t.root.MkdirAll(t.dir(), 0o755)
	switch {
	case errors.Is(err, fs.ErrExist): // a link that leads nowhere
		return errFileAbove
	case err != nil:
		return err
	case onlyNew:
		err = t.create(temporary)
	default:
		err = t.root.Rename(temporary, t.rel)
	}
	if err != nil {
		return err
	}
	for dir := t.dir(); ; dir = path.Dir(dir) {
		if err := syncFolder(t.root, dir); err != nil {
			return err
		}
		if dir == folder || dir == "." {
			return nil
		}
	}
}

// create is a rename that replaces nothing. Where the file system has no links
// the name is looked at once more: two clients at the same instant may both win.
func (t target) create(temporary string) error {
	err := t.root.Link(temporary, t.rel)
	if !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, syscall.EPERM) {
		return err
	}
	if _, err := t.root.Lstat(t.rel); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(err, errExists)
	}
	return t.root.Rename(temporary, t.rel)
}
