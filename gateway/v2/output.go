package v2

import (
	"context"
	"encoding/base64"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"spool.internal/events"
	"spool.internal/events/outputs"
	"spool.internal/gateway/wire"
)

// OutputPage is a page of what a run has written.
type OutputPage struct {
	Folder string       `json:"output_folder"`
	Files  []OutputFile `json:"files"`
	More   bool         `json:"more,omitzero"` // it wrote others, which are not known by name
	Next   string       `json:"next_page_token,omitzero"`
}

// OutputFile is a file of it.
type OutputFile struct {
	Path     string    `json:"path"`
	Size     int64     `json:"size"`
	Modified time.Time `json:"modified,omitzero"`
}

// output is where the files of a run are read: on a drive that this gateway has, or at its runner.
type output struct {
	a      *API
	s      *story
	ev     events.RunEvent // the last of the run
	folder *os.Root        // nil: the gateway does not have it

	runner, host string
}

// openOutput finds what the run of an execution has written, for a caller who reaches it.
func (a *API) openOutput(r *http.Request) (*output, error) {
	who := a.Caller(r)
	s, err := a.story(r.Context(), who, mux.Vars(r)["trigger_id"])
	if err == nil {
		err = who.Reaches(s.job)
	}
	if err != nil {
		return nil, err
	}
	o := &output{a: a, s: s}
	if s.newest == nil {
		_, _, err := s.runnerOf("output")
		return nil, err
	}
	o.ev = *s.newest
	p, err := events.ParsePath("output_folder", o.ev.OutputFolder)
	if err == nil {
		err = who.Access().Check("output_folder", p)
	}
	if err != nil {
		return nil, err
	}
	if a.Drives != nil {
		o.folder, err = a.Drives.As(who.Access()).OpenDir(p)
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return o, ofDrive(err)
		}
	}
	o.runner, o.host, err = s.runnerOf("output")
	return o, err
}

// ofDrive puts faults of the file system into words.
func ofDrive(err error) error {
	switch {
	case err == nil, events.CodeOf(err) != "":
		return err
	case errors.Is(err, fs.ErrNotExist):
		return events.Faultf(events.NotFound, "path", "the run has written no such file, or it is not there any more")
	default:
		return events.Faultf(events.Forbidden, "path", "cannot be read on the drive: ask who runs the server")
	}
}

func (o *output) close() {
	if o.folder != nil {
		_ = o.folder.Close()
	}
}

// list gives a page of files after a path.
func (o *output) list(ctx context.Context, after string, limit int) (files []events.OutputFile, more bool, err error) {
	switch {
	case !outputs.Own(o.ev):
		files, more = outputs.Named(o.ev, after, limit)
	case o.folder != nil:
		files, more, err = outputs.List(ctx, o.folder, after, limit)
		err = ofDrive(err)
	default:
		var part events.OutputPart
		part, _, err = o.a.asks().AskOutput(ctx, o.runner, events.OutputAsk{FlowJobID: o.s.flow, After: after, Limit: limit})
		files, more, err = part.Files, part.More, runnerAway(err, o.host)
	}
	return files, more, err
}

func (a *API) listOutput(w http.ResponseWriter, r *http.Request) error {
	q := wire.ReadQuery(r, "format", "limit", "page_token")
	format, limit := q.OneOf("format", "json", "zip"), q.Limit(wire.DefaultLimit)
	after, err := base64.RawURLEncoding.DecodeString(q.Text("page_token"))
	if err != nil {
		q.Fail("page_token", "is not a next_page_token of this call: leave it out to begin with the first page")
	}
	if q.Err() != nil {
		return q.Err()
	}
	o, err := a.openOutput(r)
	if err != nil {
		return err
	}
	defer o.close()
	if format == "zip" {
		return o.zip(w, r)
	}
	page := OutputPage{Folder: o.ev.OutputFolder, Files: []OutputFile{}}
	last, more := string(after), true
	for more && len(page.Files) < limit { // a runner gives fewer at a time
		var files []events.OutputFile
		if files, more, err = o.list(r.Context(), last, limit-len(page.Files)); err != nil {
			return err
		}
		for _, f := range files {
			page.Files = append(page.Files, OutputFile(f))
			last = f.Path
		}
	}
	if more {
		page.Next = base64.RawURLEncoding.EncodeToString([]byte(last))
	} else if count := o.ev.OutputCount; !outputs.Own(o.ev) && (count == nil && o.ev.Phase == events.Ended || count != nil && *count > len(o.ev.Outputs)) {
		page.More = true
	}
	wire.Write(w, http.StatusOK, page)
	return nil
}

func (a *API) getOutputFile(w http.ResponseWriter, r *http.Request) error {
	if q := wire.ReadQuery(r); q.Err() != nil {
		return q.Err()
	}
	name, err := outputPath(r)
	if err != nil {
		return err
	}
	o, err := a.openOutput(r)
	if err != nil {
		return err
	}
	defer o.close()
	content, err := o.open(r.Context(), name)
	if err != nil {
		return err
	}
	if f, ok := content.ReadSeeker.(*os.File); ok {
		defer f.Close()
	}
	wire.Attach(w.Header(), path.Base(name))
	content.Serve(w, r)
	return nil
}

// outputPath reads the path of a file. What the client wrote counts: one with ".." in it is a
// mistake, wherever it leads.
func outputPath(r *http.Request) (string, error) {
	sent, err := url.ParseRequestURI(r.RequestURI)
	if err != nil || slices.Contains(strings.Split(sent.Path, "/"), "..") {
		return "", events.Faultf(events.Invalid, "path", `contains "..": give the path without it`)
	}
	return mux.Vars(r)["path"], nil
}

// open opens one file.
func (o *output) open(ctx context.Context, name string) (c wire.Content, err error) {
	c.Type = "application/octet-stream"
	if !outputs.Own(o.ev) && !outputs.Has(o.ev, name) {
		return c, ofDrive(fs.ErrNotExist)
	}
	if o.folder != nil {
		f, info, err := outputs.Open(o.folder, name)
		if err != nil {
			return c, ofDrive(err)
		}
		c.ReadSeeker, c.Size, c.Modified = f, info.Size(), info.ModTime()
		return c, nil
	}
	ask := events.OutputAsk{FlowJobID: o.s.flow, File: name}
	part, _, err := o.a.asks().AskOutput(ctx, o.runner, ask)
	if err != nil {
		return c, runnerAway(err, o.host)
	}
	c.Size, c.Modified = part.Size, part.Modified
	c.ReadSeeker = &remote{size: part.Size, read: func(offset int64) ([]byte, error) {
		ask := ask
		ask.Offset, ask.Most = offset, events.MaxPart
		now, text, err := o.a.asks().AskOutput(ctx, o.runner, ask)
		if err == nil && !now.Modified.Equal(part.Modified) {
			err = errors.New("the file has changed meanwhile")
		}
		return text, runnerAway(err, o.host)
	}}
	return c, nil
}
