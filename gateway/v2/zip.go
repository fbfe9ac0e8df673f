package v2

import (
	"archive/zip"
	"io"
	"net/http"
	"os"

	"spool.internal/events"
	"spool.internal/gateway/wire"
)

// zip answers with all files of a run as one archive, which is made while it is sent. When
// one cannot be read it is broken off: it cannot be taken for whole.
func (o *output) zip(w http.ResponseWriter, r *http.Request) error {
	first, more, err := o.list(r.Context(), "", wire.MaxLimit) // what is wrong is said before the answer begins
	if err != nil {
		return err
	}
	wire.Attach(w.Header(), "run-"+o.s.flow+".zip")
	w.Header().Set("Content-Type", "application/zip")
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	control := http.NewResponseController(w)
	archive := zip.NewWriter(w)
	for files := first; len(files) > 0; {
		for _, f := range files {
			if err := o.pack(r, archive, f, func() { _ = control.SetWriteDeadline(inAMinute()) }); err != nil {
				o.a.Log.Info("an archive of what a run has written is broken off", "trigger_id", o.s.id, "error", err.Error())
				panic(http.ErrAbortHandler)
			}
		}
		if !more {
			break
		}
		if files, more, err = o.list(r.Context(), files[len(files)-1].Path, wire.MaxLimit); err != nil {
			panic(http.ErrAbortHandler)
		}
	}
	if archive.Close() != nil {
		panic(http.ErrAbortHandler)
	}
	return nil
}

// pack adds one file; one that is gone since it was listed is left out.
func (o *output) pack(r *http.Request, archive *zip.Writer, f events.OutputFile, extend func()) error {
	content, err := o.open(r.Context(), f.Path)
	if events.CodeOf(err) == events.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	if file, ok := content.ReadSeeker.(*os.File); ok {
		defer file.Close()
	}
	extend()
	to, err := archive.CreateHeader(&zip.FileHeader{Name: f.Path, Method: zip.Deflate, Modified: content.Modified})
	if err == nil {
		_, err = io.Copy(to, &paced{content, extend})
	}
	return err
}
