package v2

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/events/why"
	"spool.internal/gateway/change"
	"spool.internal/gateway/wire"
)

// FileRow is a file in a list.
type FileRow struct {
	Path      string           `json:"path"`
	PathB64   string           `json:"path_b64,omitempty"`
	State     events.FileState `json:"state"`
	Reason    FileReason       `json:"reason"`
	TriggerID string           `json:"trigger_id,omitzero"`
	Outcome   events.Outcome   `json:"outcome,omitzero"`
	Size      *int64           `json:"size,omitempty"`
}

// FileList is a page of the files of a job, and its folder.
type FileList struct {
	List   []FileRow   `json:"list"`
	More   int         `json:"more"` // files that wait beside those that a watcher tells
	Folder *why.Folder `json:"folder,omitempty"`
	Next   string      `json:"next_page_token,omitempty"`
}

// waitingStates are the states of files that were not called yet.
var waitingStates = []events.FileState{
	events.FileYoung, events.FileOpen, events.FileUnmarked, events.FileUnreadable, events.FileUnstaged, why.FileQueued, why.FileHeld,
}

// fileQuery is what is asked of a list of files.
type fileQuery struct {
	states  []events.FileState
	prefix  string
	limit   int
	section int    // in which the page begins
	after   string // the key of the last entry in it that was shown
}

func readFileQuery(values url.Values) (fileQuery, error) {
	q := wire.ReadValues(values, "path", "state", "prefix", "limit", "page_token")
	const waiting = "waiting"
	names := []string{waiting}
	for _, s := range append(waitingStates, why.FileCalled) {
		names = append(names, string(s))
	}
	state := q.OneOf("state", names...)
	section, key := q.After()
	f := fileQuery{prefix: q.Text("prefix"), limit: q.Limit(wire.DefaultLimit), section: int(min(section, 10)), after: key}
	switch state {
	case "":
		f.states = append(slices.Clone(waitingStates), why.FileCalled)
	case waiting:
		f.states = waitingStates
	default:
		f.states = []events.FileState{events.FileState(state)}
	}
	return f, q.Err()
}

// fileListing makes one page.
type fileListing struct {
	*explained
	fileQuery
	FileList
	at      int // the section that is read
	last    string
	results []events.Result // that are shown at the end
}

// ListFiles lists the files of a job: those that wait, with the reason of each, and those that
// have a result, newest first.
func (a *API) ListFiles(ctx context.Context, who change.Caller, id string, values url.Values) (FileList, error) {
	q, err := readFileQuery(values)
	if err != nil {
		return FileList{}, err
	}
	rev, err := a.Changes.Find(ctx, who, id)
	if err != nil {
		return FileList{}, err
	}
	l := &fileListing{explained: a.explain(who, rev.Event.Job), fileQuery: q, FileList: FileList{List: []FileRow{}}}
	for i, read := range []func(context.Context) error{l.waits, l.queue, l.held, l.called} {
		if l.at = i; i > 0 && (i < l.section || l.Next != "") {
			continue // the first tells of the folder, too
		}
		if l.last = ""; i == l.section {
			l.last = l.after
		}
		if err := read(ctx); err != nil {
			return FileList{}, err
		}
	}
	return l.FileList, nil
}

// wants reports whether a file is asked for: by its key, which is greater than those before it in its section.
func (l *fileListing) wants(state events.FileState, path, key string) bool {
	return slices.Contains(l.states, state) && strings.HasPrefix(path, l.prefix) && (l.at > l.section || l.at == l.section && key > l.after)
}

// full reports whether the page is, and then where the next one begins.
func (l *fileListing) full() bool {
	if len(l.List)+len(l.results) < l.limit {
		return false
	}
	l.Next = wire.PageToken(int64(l.at), l.last)
	return true
}

func (l *fileListing) add(f why.Facts, key string, size *int64) {
	l.last = key
	l.List = append(l.List, FileRow{f.Path, f.PathB64, f.State, l.reason(f), f.TriggerID, f.Outcome, size})
}

// waits lists what a watcher tells, longest first.
func (l *fileListing) waits(ctx context.Context) error {
	watch, files, at, err := l.Bus.FolderStates(ctx, l.job.ID)
	if l.Folder = why.FolderOf(watch); err != nil || time.Since(at) > stale {
		return err
	}
	l.More = files.More
	for _, w := range files.Files {
		key := fmt.Sprintf("%020d %s", w.Since.UnixNano(), w.RawPath())
		if !l.wants(w.State, w.RawPath(), key) {
			continue
		}
		if l.full() {
			break
		}
		l.add(l.waiting(w), key, nil)
	}
	return nil
}

// queue lists the files in the queue, in its order.
func (l *fileListing) queue(ctx context.Context) error {
	if !slices.Contains(l.states, why.FileQueued) {
		return nil
	}
	states, err := l.Bus.JobStates(ctx, l.job.ID)
	if err != nil {
		return err
	}
	n := 0
	return l.Bus.Files(l.job.ID).Since(ctx, time.Time{}, func(m jet.Entry[events.Trigger]) bool {
		n++
		t, err := m.Value()
		key := fmt.Sprintf("%020d", m.Sequence)
		if err != nil || t.File == nil || !l.wants(why.FileQueued, t.File.RawPath(), key) {
			return true
		}
		if l.full() {
			return false
		}
		f := l.onPath(t.File.RawPath(), why.FileQueued)
		f.TriggerID, f.Queued, f.Position = t.ID, m.Time.UTC(), n
		if retryingAs(&f, states.Retry); f.Attempts > 0 && l.plan != nil {
			f.GivesUp = f.Queued.Add(l.plan.RetryFor(events.KindFile))
		}
		l.inLine(&f)
		l.add(f, key, &t.File.Size)
		return true
	})
}

// held lists the files that are held, the first one first.
func (l *fileListing) held(ctx context.Context) error {
	if !slices.Contains(l.states, why.FileHeld) {
		return nil
	}
	all, err := l.Bus.HeldFiles(l.job.ID).All(ctx)
	for _, h := range all {
		key := fmt.Sprintf("%020d %s", h.At.UnixNano(), h.Fingerprint)
		if !l.wants(why.FileHeld, h.RawPath(), key) {
			continue
		}
		if l.full() {
			break
		}
		f := l.onPath(h.RawPath(), why.FileHeld)
		f.TriggerID, f.Reason, f.Since, f.Ring, f.Ignore = events.FileTriggerID(l.job.ID, h.Fingerprint), h.Reason(), h.At.UTC(), h.Ring, h.Ignore
		l.add(f, key, &h.Size)
	}
	return err
}

// called lists the files that have a result, newest first.
func (l *fileListing) called(ctx context.Context) error {
	if !slices.Contains(l.states, why.FileCalled) {
		return nil
	}
	err := l.eachResult(ctx, l.job.ID, func(seq uint64, r events.Result) bool {
		key := fmt.Sprintf("%020d", ^seq) // newer ones come first
		if r.File == nil || r.Kind != events.KindFile || !l.wants(why.FileCalled, r.File.RawPath(), key) {
			return true
		}
		if l.full() {
			return false
		}
		l.last, l.results = key, append(l.results, r)
		return true
	})
	if err != nil {
		return err
	}
	shown, err := l.show(ctx, l.results)
	for i, s := range shown {
		f := l.onPath(l.results[i].File.RawPath(), why.FileCalled)
		f.Queued = l.results[i].TriggeredAt.UTC()
		ranAs(&f, s, l.results[i])
		l.add(f, l.last, &l.results[i].File.Size)
	}
	return err
}
