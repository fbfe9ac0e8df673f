package files

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/gateway/wire"
)

// put receives a file.
func (a *API) put(w http.ResponseWriter, r *http.Request) error {
	up, err := a.putOrder(r)
	if err != nil {
		return err
	}
	if up.Path, err = a.toChange(r); err != nil {
		return err
	}
	stored, err := a.Store(w, a.Token(r), up)
	if err != nil {
		return err
	}
	if !up.KeepBoth {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	w.Header().Set("Location", (&url.URL{Path: Prefix + stored.Path}).EscapedPath())
	wire.Write(w, http.StatusCreated, stored)
	return nil
}

// Upload is a file that comes in.
type Upload struct {
	Path       events.Path
	Body       io.ReadCloser
	OnlyNew    bool // refuse to replace a file
	KeepBoth   bool // take the next name that is free in place of one that is taken
	Executable bool
}

// Stored is where a file came to lie whose name may have been taken.
type Stored struct {
	Path    string `json:"path"`
	Renamed bool   `json:"renamed"`
}

// Store receives a file for a token, and gives it its name once it is whole. The connection
// of w is the one that the body comes by.
func (a *API) Store(w http.ResponseWriter, token events.Token, up Upload) (stored Stored, err error) {
	defer func() { err = explain(err) }()
	t, err := a.open(token, up.Path, true)
	if err != nil {
		return stored, err
	}
	defer t.dir.Close()
	if err := t.prepare(up); err != nil {
		return stored, err
	}
	if err := a.room(t.dir); err != nil {
		return stored, err
	}
	a.sweep(t.dir, t.at.String())
	temporary := events.UploadPrefix + rand.Text()
	defer t.dir.Remove(temporary) //nolint:errcheck // gone, unless it failed
	if err := a.receive(w, t.dir, temporary, up); err != nil {
		return stored, err
	}
	name, err := t.commit(temporary, up)
	return Stored{t.parent.Join(name).String(), name != t.name}, err
}

// putOrder is what a PUT asks for.
func (a *API) putOrder(r *http.Request) (Upload, error) {
	o := Upload{Body: r.Body}
	values, err := wire.Values(r, "executable", "rename")
	if err != nil {
		return o, err
	}
	if o.Executable, err = flag(values, "executable"); err != nil {
		return o, err
	}
	switch text := values.Get("rename"); text {
	case "":
	case "keep-both":
		o.KeepBoth = true
	default:
		return o, events.Faultf(events.Invalid, "rename", "%q is not keep-both: leave it out to replace a file of that name", text)
	}
	switch r.Header.Get("If-None-Match") {
	case "":
	case "*":
		if o.OnlyNew = true; o.KeepBoth {
			return o, events.Faultf(events.Invalid, "rename", "and If-None-Match: * exclude each other: the one takes another name where the other refuses")
		}
	default:
		return o, events.Faultf(events.Invalid, "If-None-Match", "must be * in a PUT: create the file, or change nothing")
	}
	if r.Header.Get("Content-Range") != "" {
		return o, events.Faultf(events.Invalid, "Content-Range", "is not known in a PUT: send the whole file")
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); strings.HasPrefix(kind, "multipart/") {
		return o, refuse(http.StatusUnsupportedMediaType, "Content-Type", "is %s: send the bytes of the file alone, as curl -T does, not a form", kind)
	}
	if r.ContentLength > a.MaxUpload {
		return o, &http.MaxBytesError{Limit: a.MaxUpload}
	}
	return o, nil
}

// prepare finds what stands in the way before anything is received.
func (t target) prepare(o Upload) error {
	if t.at != t.parent || o.KeepBoth {
		return nil
	}
	info, err := t.dir.Lstat(t.name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.IsDir():
		return errIsFolder
	case o.OnlyNew:
		return ErrExists
	}
	return nil
}

// receive writes the body into a new file, and syncs it.
func (a *API) receive(w http.ResponseWriter, root *os.Root, name string, up Upload) error {
	mode := fs.FileMode(0o644)
	if up.Executable {
		mode = 0o755
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	control := http.NewResponseController(w)
	body := &incoming{
		from: http.MaxBytesReader(w, up.Body, a.MaxUpload),
		wait: func() { _ = control.SetReadDeadline(time.Now().Add(a.Idle)) }, // not every connection has deadlines
	}
	if _, err = io.Copy(&guarded{File: f, room: func() error { return a.room(root) }}, body); err == nil {
		// The disk takes as long as it takes. What is left of a body that failed
		// must not: the server reads on before it answers.
		_ = control.SetReadDeadline(time.Time{})
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// room says why the disk of a folder takes no file now.
func (a *API) room(dir *os.Root) error {
	if short := a.Reserve.Short(dir.Stat(".")); short != nil {
		return refuse(http.StatusInsufficientStorage, "", "%s", short.Error())
	}
	return nil
}

// guarded is a file that grows only while there is room beside the reserve.
type guarded struct {
	*os.File
	room    func() error
	written int64 // since it was last looked
}

// looks is after how many bytes the room is looked at again.
const looks = 8 << 20

func (g *guarded) Write(p []byte) (int, error) {
	if g.written += int64(len(p)); g.written >= looks {
		if err := g.room(); err != nil {
			return 0, err
		}
		g.written = 0
	}
	return g.File.Write(p)
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
// below the one that it lies in, and says which name that is.
func (t target) commit(temporary string, o Upload) (name string, err error) {
	parent, err := t.drives.Create(t.parent)
	if errors.Is(err, fs.ErrNotExist) { // a link that leads nowhere
		return "", errFileAbove
	}
	if err != nil {
		return "", err
	}
	defer parent.Close()
	switch name = t.name; {
	case o.KeepBoth:
		name, err = t.createBeside(temporary, parent)
	case o.OnlyNew:
		err = t.create(temporary, parent, name)
	default:
		err = drive.Rename(t.dir, temporary, parent, name)
	}
	if err == nil {
		err = syncFolder(parent)
	}
	for p := t.parent; err == nil && p != t.at; { // the folders that were made
		p = above(p)
		err = t.sync(p)
	}
	return name, err
}

// createBeside creates under the first name that is free: of several clients at once each
// gets one of its own.
func (t target) createBeside(temporary string, parent *os.Root) (name string, err error) {
	for n := 1; n <= drive.MaxNumber; n++ {
		name = beside(t.name, n)
		if _, err := parent.Lstat(name); err == nil { // most are found without a link that fails
			continue
		}
		if err = t.create(temporary, parent, name); !errors.Is(err, fs.ErrExist) && !errors.Is(err, ErrExists) {
			return name, err
		}
	}
	return "", refuse(http.StatusConflict, "path", "has %d files of that name beside it: choose another", drive.MaxNumber)
}

// beside is the n-th name for a file: report.pdf, report (2).pdf, report (3).pdf.
func beside(name string, n int) string {
	if n == 1 {
		return name
	}
	stem, ext := events.SplitName(name)
	return fmt.Sprintf("%s (%d)%s", stem, n, ext)
}

func (t target) sync(p events.Path) error {
	if p == t.at {
		return syncFolder(t.dir)
	}
	dir, err := t.drives.OpenDir(p)
	if err != nil {
		return err
	}
	return errors.Join(syncFolder(dir), dir.Close())
}

// create is a rename that replaces nothing. Where the file system has no links
// the name is looked at once more: two clients at the same instant may both win.
func (t target) create(temporary string, parent *os.Root, name string) error {
	err := drive.Link(t.dir, temporary, parent, name)
	if !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, syscall.EPERM) {
		return err
	}
	if _, err := parent.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(err, ErrExists)
	}
	return drive.Rename(t.dir, temporary, parent, name)
}
