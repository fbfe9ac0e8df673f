package watcher

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/events/sorting"
	"spool.internal/watcher/stage"
)

// youngReported is how long a file must have been seen before it is listed that only waits for its quiet period.
const youngReported = time.Second

// ofOne are the errors of staging that concern one file alone: another may well be staged.
var ofOne = []error{syscall.ENAMETOOLONG, syscall.EFBIG, syscall.EILSEQ, syscall.EINVAL, stage.ErrNoRoom}

// unstageable postpones a file whose stage cannot be made. It returns false when that is probably not the file's fault:
// too many in a row failed.
func (t *turn) unstageable(c *candidate, err error, row *int) bool {
	if !c.logged {
		t.f.log().Warn("a file cannot be staged: it waits", "file", c.name, "error", err.Error())
		c.logged = true
	}
	now := time.Now()
	c.setReason(events.FileUnstaged, drive.Reason(err), now)
	t.k.busy(c, now)
	if errors.Is(err, stage.ErrStages) {
		return false
	}
	if !slices.ContainsFunc(ofOne, func(one error) bool { return errors.Is(err, one) }) {
		*row++
	}
	return *row < mostFailures
}

// mostFailures is how many files in a row must fail before it is the drive's fault.
const mostFailures = 3

// waiting lists the files of the folder that wait for a while, and counts those that it leaves out.
func (f *folder) waiting(now time.Time) (list []events.WaitingFile, more int) {
	for _, c := range f.work.pending {
		w := events.WaitingFile{State: c.state, Reason: c.why, Since: c.from.UTC(), FirstSeen: c.seen.UTC()}
		if c.state == "" {
			if now.Sub(c.seen) < youngReported {
				continue
			}
			w.State, w.Since = events.FileYoung, c.seen.UTC()
			w.Modified, w.QuietMS = time.Unix(0, max(c.stat.Modified, c.stat.Changed)).UTC(), f.work.rule.For(&c.file).Milliseconds()
		}
		list = append(list, f.named(w, c.name))
	}
	for name, b := range f.work.bare {
		list = append(list, f.named(events.WaitingFile{State: events.FileUnmarked, Since: b.since, FirstSeen: b.since}, name))
	}
	return longest(list, f.work.crowded+max(0, f.work.unmarked-len(f.work.bare)))
}

func (f *folder) named(w events.WaitingFile, name string) events.WaitingFile {
	file := events.NewFile(f.subPath(name))
	w.Path, w.PathB64 = file.Path, file.PathB64
	return w
}

// bare is a file that lacks its marker.
type bare struct {
	since time.Time
	scan  uint32 // the last that saw it so
}

// lacks notes that a file lacks its marker, of as many as are told of.
func (k *work) lacks(name string, now time.Time) {
	b, ok := k.bare[name]
	if !ok {
		if len(k.bare) >= events.MaxWaitingFiles {
			return
		}
		b.since = now.UTC()
	}
	b.scan = k.known.scan
	if k.bare == nil {
		k.bare = map[string]bare{}
	}
	k.bare[name] = b
}

// sweepBare forgets what the scan that has just ended did not see without a marker.
func (k *work) sweepBare() {
	maps.DeleteFunc(k.bare, func(_ string, b bare) bool { return b.scan != k.known.scan })
}

// longest returns those that wait longest, as many as are published.
func longest(list []events.WaitingFile, more int) ([]events.WaitingFile, int) {
	sorting.By(list, func(a, b events.WaitingFile) int {
		return cmp.Or(a.Since.Compare(b.Since), strings.Compare(a.Path, b.Path))
	})
	if over := len(list) - events.MaxWaitingFiles; over > 0 {
		list, more = list[:events.MaxWaitingFiles], more+over
	}
	return list, more
}

// waitingIn collects the files that wait in a folder and all below it; the watcher is locked.
func (f *folder) waitingIn() (list []events.WaitingFile, more int) {
	for _, sub := range f.tree() {
		sub.shown.mu.Lock()
		list, more = append(list, sub.shown.waiting...), more+sub.shown.more
		sub.shown.mu.Unlock()
	}
	return longest(list, more)
}

// waitingOf returns what waits in the folders of one job; ok is false when there is nothing to publish, nor to take back.
func (w *Watcher) waitingOf(jobID string) (all events.WaitingFiles, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.folders[jobID]
	all = events.WaitingFiles{JobID: jobID, At: time.Now().UTC(), Files: []events.WaitingFile{}, Place: w.cfg.Drives.Place()}
	if f == nil {
		told := w.publishedWaiting[jobID]
		delete(w.publishedWaiting, jobID)
		return all, told
	}
	list, more := f.waitingIn()
	all.Files, all.More = append(all.Files, list...), more
	if len(list) == 0 && !w.publishedWaiting[jobID] {
		return all, false
	}
	if w.publishedWaiting[jobID] = true; len(list) == 0 {
		delete(w.publishedWaiting, jobID)
	}
	return all, true
}

// blocking names a file that cannot be staged, for the state of the folder.
func (f *folder) blocking() error {
	var first *candidate
	more := 0
	for _, c := range f.work.pending {
		if c.state != events.FileUnstaged && c.state != events.FileUnreadable {
			continue
		}
		if more++; first == nil || c.from.Before(first.from) || c.from.Equal(first.from) && c.name < first.name {
			first = c
		}
	}
	if first == nil {
		return nil
	}
	what := "its copy for the run cannot be made: "
	if first.state == events.FileUnreadable {
		what = "it cannot be read by Spool: "
	}
	text := events.NewFile(path.Join(f.below, first.name)).Path + ": " + what + first.why
	if more > 1 {
		text += fmt.Sprintf("; and %d more", more-1)
	}
	return errors.New(text)
}
