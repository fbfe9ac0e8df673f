package files

import (
	"io/fs"
	"net/http"
	"os"
	"path"

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
	wire.Attach(w.Header(), path.Base(p.String()))
	a.serve(w, r, f, info)
	return nil
}

// serve answers with a file, or with the part of it that is asked for.
func (a *API) serve(w http.ResponseWriter, r *http.Request, f *os.File, info fs.FileInfo) {
	wire.Content{ReadSeeker: f, Size: info.Size(), Modified: info.ModTime(), Type: "application/octet-stream", Idle: a.Idle}.Serve(w, r)
}
