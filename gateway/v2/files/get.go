package files

import (
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"os"
	"path"
	"time"

	"spool.internal/events"
	"spool.internal/gateway/wire"
)

// Node types, as expect-node-type and listings spell them.
const (
	typeFile   = "file"
	typeFolder = "folder"
)

// typeOf is empty for what is neither, such as a pipe.
func typeOf(info fs.FileInfo) string {
	switch {
	case info.Mode().IsRegular():
		return typeFile
	case info.IsDir():
		return typeFolder
	default:
		return ""
	}
}

// get answers GET and HEAD.
func (a *API) get(w http.ResponseWriter, r *http.Request) error {
	values, err := wire.Values(r, "expect-node-type", "page_size", "page_token")
	if err != nil {
		return err
	}
	p, drives, err := a.drives(r)
	if err != nil {
		return err
	}
	f, err := drives.OpenFile(p)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	is := typeOf(info)
	if is == "" {
		return errNotFound
	}
	switch want := values.Get("expect-node-type"); want {
	case "", is:
	case typeFile, typeFolder:
		return refuse(http.StatusPreconditionFailed, "path", "is a %s, not a %s", is, want)
	default:
		return events.Faultf(events.Invalid, "expect-node-type", "%q is neither file nor folder", want)
	}
	if is == typeFolder {
		return a.list(w, r, values, p, drives)
	}
	attach(w.Header(), path.Base(p.String()))
	a.serve(w, r, f, info)
	return nil
}

// attach has browsers store an answer and never show it: what is in a file of somebody is
// no page of this server, whatever the name says.
func attach(h http.Header, name string) {
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	h.Set("Content-Security-Policy", "sandbox")
	h.Set("X-Content-Type-Options", "nosniff")
}

// serve answers with a file, or with the part of it that is asked for.
func (a *API) serve(w http.ResponseWriter, r *http.Request, f *os.File, info fs.FileInfo) {
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Cache-Control", "private, no-cache")
	h.Set("ETag", fmt.Sprintf(`"%x-%x"`, info.ModTime().UnixNano(), info.Size()))
	control := http.NewResponseController(w)
	out := &outgoing{f, func() { _ = control.SetWriteDeadline(time.Now().Add(a.Idle)) }} // not every connection has deadlines
	http.ServeContent(&answer{ResponseWriter: w}, r, "", info.ModTime(), out)
	if control.Flush() == nil {
		_ = control.SetWriteDeadline(time.Time{}) // the connection serves other requests
	}
}

// outgoing is a file on its way to a client, which has to take what was read
// before it is given more.
type outgoing struct {
	*os.File
	wait func()
}

func (o *outgoing) Read(p []byte) (int, error) {
	o.wait()
	return o.File.Read(p)
}

// answer puts the refusals of ServeContent into this API's words.
type answer struct {
	http.ResponseWriter
	refused bool
}

func (w *answer) WriteHeader(status int) {
	if status < http.StatusBadRequest {
		w.ResponseWriter.WriteHeader(status)
		return
	}
	w.refused = true
	e := &events.Error{Message: "the file cannot be read"}
	switch status {
	case http.StatusPreconditionFailed:
		e = &events.Error{Message: "the file is another one than the request is for: GET it again"}
	case http.StatusRequestedRangeNotSatisfiable:
		e = &events.Error{Field: "Range", Message: "is not one of this file"}
	}
	w.Header().Del("Content-Length")
	wire.WriteProblem(w.ResponseWriter, status, e)
}

func (w *answer) Write(p []byte) (int, error) {
	if w.refused {
		return len(p), nil
	}
	return w.ResponseWriter.Write(p)
}
