package wire

import (
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"spool.internal/events"
)

// Content is what is answered with, whole or in parts.
type Content struct {
	io.ReadSeeker
	Size     int64
	Modified time.Time
	Type     string
	Idle     time.Duration // how long a client may take nothing; 0 means 1 min
}

// Attach has browsers store an answer and never show it: what is in a file of somebody is no
// page of this server, whatever its name says.
func Attach(h http.Header, name string) {
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	h.Set("Content-Security-Policy", "sandbox")
	h.Set("X-Content-Type-Options", "nosniff")
}

// Serve answers with content, or with the part of it that is asked for. A client has to take
// what was read before more is read for it.
func (c Content) Serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", c.Type)
	h.Set("Cache-Control", "private, no-cache")
	h.Set("ETag", fmt.Sprintf(`"%x-%x"`, c.Modified.UnixNano(), c.Size))
	if c.Idle == 0 {
		c.Idle = time.Minute
	}
	control := http.NewResponseController(w)
	out := &outgoing{c.ReadSeeker, func() { _ = control.SetWriteDeadline(time.Now().Add(c.Idle)) }} // not every connection has deadlines
	http.ServeContent(&content{ResponseWriter: w}, r, "", c.Modified, out)
	if control.Flush() == nil {
		_ = control.SetWriteDeadline(time.Time{}) // the connection serves other requests
	}
}

// outgoing is content on its way to a client.
type outgoing struct {
	io.ReadSeeker
	wait func()
}

func (o *outgoing) Read(p []byte) (int, error) {
	o.wait()
	return o.ReadSeeker.Read(p)
}

// content puts the refusals of ServeContent into this API's words.
type content struct {
	http.ResponseWriter
	refused bool
}

func (w *content) WriteHeader(status int) {
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
	for _, of := range []string{"Content-Length", "Content-Disposition", "ETag"} {
		w.Header().Del(of)
	}
	WriteProblem(w.ResponseWriter, status, e)
}

func (w *content) Write(p []byte) (int, error) {
	if w.refused {
		return len(p), nil
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap lets the connection be reached.
func (w *content) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// TakesGzip reports that who asks takes an answer that is compressed.
func TakesGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, quality, _ := strings.Cut(strings.TrimSpace(part), ";")
		if name == "gzip" {
			return !strings.HasPrefix(strings.ReplaceAll(quality, " ", ""), "q=0") || strings.Trim(quality, " q=0.") != ""
		}
	}
	return false
}
