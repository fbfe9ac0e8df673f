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
	"spool.internal/gateway/change"
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
func (a *API) openOutput(ctx context.Context, who change.Caller, triggerID string) (*output, error) {
	s, err := a.story(ctx, who, triggerID)
	if err != nil {
		return nil, err
	}
	return a.outputOf(who, s)
}

// outputOf finds what the run of a story has written.
func (a *API) outputOf(who change.Caller, s *story) (*output, error) {
	if err := who.Reaches(s.job); err != nil {
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
	if a.Drives != nil && a.ranHere(o.ev, p) {
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
	values, err := wire.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	asked, err := readOutputQuery(values)
	if err != nil {
		return err
	}
	o, err := a.openOutput(r.Context(), a.Caller(r), triggerID(r))
	if err != nil {
		return err
	}
	defer o.close()
	if asked.zip {
		return o.zip(w, r)
	}
	page, err := o.page(r.Context(), asked.after, asked.limit)
	if err != nil {
		return err
	}
	wire.Write(w, http.StatusOK, page)
	return nil
}

// outputQuery is which files are asked for, and how.
type outputQuery struct {
	zip   bool
	limit int
	after string
}

func readOutputQuery(values url.Values) (asked outputQuery, err error) {
	q := wire.ReadValues(values, "format", "limit", "page_token")
	asked.zip, asked.limit = q.OneOf("format", "json", "zip") == "zip", q.Limit(wire.DefaultLimit)
	after, err := base64.RawURLEncoding.DecodeString(q.Text("page_token"))
	if err != nil {
		q.Fail("page_token", "is not a next_page_token of this call: leave it out to begin with the first page")
	}
	asked.after = string(after)
	return asked, q.Err()
}

// page gives a page of files after a path.
func (o *output) page(ctx context.Context, last string, limit int) (OutputPage, error) {
	page := OutputPage{Folder: o.ev.OutputFolder, Files: []OutputFile{}}
	for more := true; more; {
		if len(page.Files) == limit {
			page.Next = base64.RawURLEncoding.EncodeToString([]byte(last))
			return page, nil
		}
		files, further, err := o.list(ctx, last, limit-len(page.Files)) // a runner gives fewer at a time
		if err != nil {
			return page, err
		}
		more = further
		for _, f := range files {
			page.Files = append(page.Files, OutputFile(f))
			last = f.Path
		}
	}
	if count := o.ev.OutputCount; !outputs.Own(o.ev) && (count == nil && o.ev.Phase == events.Ended || count != nil && *count > len(o.ev.Outputs)) {
		page.More = true
	}
	return page, nil
}

func (a *API) getOutputFile(w http.ResponseWriter, r *http.Request) error {
	if q := wire.ReadQuery(r); q.Err() != nil {
		return q.Err()
	}
	name, err := outputPath(r)
	if err != nil {
		return err
	}
	o, err := a.openOutput(r.Context(), a.Caller(r), triggerID(r))
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
