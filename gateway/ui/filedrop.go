package ui

import (
	"errors"
	"io"
	"mime/multipart"

	"spool.internal/events"
	"spool.internal/gateway/v2/files"
)

// What becomes of a file whose name is taken.
const (
	whenTakenSkip    = "skip"
	whenTakenReplace = "replace"
	whenTakenBoth    = "both"
)

// dropped is what became of the files of one form.
type dropped struct {
	stored []string // as they are called now
	faults faults
}

// drop takes the files of a form, one after the other as they come in: none is kept in
// memory. What our modules send goes to the API of files instead.
func (u *UI) drop(c *call) (done, error) {
	w, err := u.watchedJob(c)
	if err != nil {
		return done{}, err
	}
	if u.files == nil {
		return done{}, events.Faultf(events.Unavailable, "", "this server has no drives: ask one that is started with those of the job")
	}
	parts, err := c.r.MultipartReader()
	if err != nil {
		return done{}, events.Faultf(events.Invalid, "file", "no file came: choose one, in a form of type multipart/form-data")
	}
	did, err := u.takeParts(c, w, parts)
	if err != nil {
		return done{}, err
	}
	if len(did.faults) > 0 {
		page, err := u.filesOf(c, w)
		if err != nil {
			return done{}, err
		}
		page.Faults = did.faults
		return done{}, &refused{"files", page}
	}
	if len(did.stored) == 1 {
		return done{Next: fileHref(w.job.ID, did.stored[0])}, nil
	}
	return done{Next: "/jobs/" + w.job.ID}, nil
}

func (u *UI) takeParts(c *call, w watchedFolder, parts *multipart.Reader) (did dropped, err error) {
	whenTaken := whenTakenSkip
	for {
		part, err := parts.NextPart()
		switch {
		case errors.Is(err, io.EOF):
			if len(did.stored)+len(did.faults) == 0 {
				did.faults = faults{{"file", "No file came: choose one."}}
			}
			return did, nil
		case err != nil:
			return did, events.Faultf(events.Invalid, "file", "the files did not arrive whole: send those again that are not there")
		case part.FormName() == "taken":
			text, _ := io.ReadAll(io.LimitReader(part, 16)) // what cannot be read is not known
			whenTaken = string(text)
		case part.FormName() == "file" && part.FileName() != "":
			if err := u.takePart(c, w, part, whenTaken, &did); err != nil {
				return did, err
			}
		}
	}
}

// takePart stores one file.
func (u *UI) takePart(c *call, w watchedFolder, part *multipart.Part, whenTaken string, did *dropped) error {
	name := part.FileName()
	p, err := events.ParsePath("file", w.plan.InputDir.String()+"/"+name)
	if err != nil {
		return err
	}
	up := files.Upload{Path: p, Body: part, OnlyNew: whenTaken != whenTakenReplace && whenTaken != whenTakenBoth, KeepBoth: whenTaken == whenTakenBoth}
	stored, err := u.files.Store(c.w, c.who.Token, up)
	switch {
	case errors.Is(err, files.ErrExists):
		did.faults = append(did.faults, fault{"file", name + " is there already, and was skipped: to replace it, or to keep both, say so and send it again."})
		return nil
	case err != nil:
		return err
	}
	did.stored = append(did.stored, w.pathOf(stored.Path, ""))
	return nil
}
