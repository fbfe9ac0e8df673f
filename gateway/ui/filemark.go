package ui

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"spool.internal/events/why"
	"spool.internal/gateway/v2"
)

// mostShown is how many files of a list that is to be marked are marked by one button.
const mostShown = 1000

// markPage is the page that says of files that they have run.
type markPage struct {
	JobID, Job string
	Faults     faults
	Pattern    field
	List       *v2.Marking // nil: nothing is asked for yet
	Digest     string      // of what is shown
	Key        string
	Empty      *emptyList
}

func (m markPage) title() string { return "Mark files of " + m.Job }

// viewMark shows which files a pattern names; it changes nothing.
func (u *UI) viewMark(c *call) (any, error) {
	w, err := u.watchedJob(c)
	if err != nil {
		return nil, err
	}
	return u.marking(c, w, c.query.Get("pattern"))
}

func (u *UI) marking(c *call, w watchedFolder, pattern string) (*markPage, error) {
	m := &markPage{JobID: w.job.ID, Job: w.job.Name, Key: c.key(), Pattern: field{
		Name: "pattern", Label: "Files", Value: pattern, Required: true, Hint: "As *.pdf, or 2025/**; * is all files.",
	}}
	if pattern == "" {
		return m, nil
	}
	list, err := u.api.MarkableFiles(c.Context(), c.who, w.job.ID, v2.MarkRequest{Pattern: pattern, Limit: mostShown, Look: true})
	if all, ok := faultsOf(err); err != nil && ok {
		m.Faults, m.Pattern.Fault = all, all.Of("pattern")
		return m, nil
	}
	if err != nil {
		return nil, err
	}
	list.Hint = sentence(list.Hint)
	if m.List, m.Digest = &list, digest(list); list.Count == 0 {
		m.Empty = noMatch(0, "files that lie there and have not run", "/jobs/"+w.job.ID+"/mark")
	}
	return m, nil
}

// digest stands for the files of a list, so that no others are marked than were shown.
func digest(list v2.Marking) string {
	h := sha256.New()
	for _, f := range list.Files {
		fmt.Fprintf(h, "%s\x00%s\x00%d %d %s\n", f.Path, f.PathB64, f.Size, f.Modified.UnixNano(), f.State)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// mark says of the files that were shown that they have run.
func (u *UI) mark(c *call) (done, error) {
	w, err := u.watchedJob(c)
	if err != nil {
		return done{}, err
	}
	pattern := c.form("pattern")
	list, err := u.api.MarkableFiles(c.Context(), c.who, w.job.ID, v2.MarkRequest{Pattern: pattern, Limit: mostShown})
	if err != nil {
		return done{}, err
	}
	if digest(list) != c.form("digest") {
		page, err := u.marking(c, w, pattern)
		if err != nil {
			return done{}, err
		}
		page.Faults = faults{{"", "Other files lie there now than were shown. Nothing was marked: look at the list, and mark it again."}}
		return done{}, &refused{"filemark", page}
	}
	did, err := u.api.MarkFiles(c.Context(), c.who, w.job.ID, v2.MarkRequest{List: list.List})
	if err != nil {
		return done{}, err
	}
	text := why.Count(did.Marked, "file") + " marked as run"
	if did.Left > 0 {
		text += fmt.Sprintf("; %d left alone: they have run, or are being called", did.Left)
	}
	return done{"/jobs/" + w.job.ID + "/files", &Note{Text: text + ".", At: c.now}}, nil
}
