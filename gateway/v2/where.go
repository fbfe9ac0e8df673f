package v2

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/events/fileid"
	"spool.internal/events/why"
	"spool.internal/gateway/change"
)

// place is where a file is that a job is asked about: what lies at its path now,
// and why it is not taken yet, or never will be.
type place struct {
	why.Facts
	size *int64 // of a file that lies there
}

// known is what the streams say about a path, for [explained.stand].
type known struct {
	versions []FileVersion
	waiting  *events.WaitingFile // as a watcher reports it
	watch    *events.WatchState
}

// stand says where the file at a path is; nil where that is not known.
func (x *explained) stand(ctx context.Context, rel string, versions []FileVersion) (*place, error) {
	if !x.watches() {
		return nil, nil // of another version, or of the clock: it has no folder
	}
	k := known{versions: versions}
	var err error
	if k.waiting, k.watch, err = x.watched(ctx, x.job.ID, rel); err != nil {
		return nil, err
	}
	if x.Drives == nil || x.who.Access().CheckJob(x.plan.Parameters) != nil {
		if k.waiting == nil {
			return nil, nil
		}
		return &place{Facts: x.waiting(*k.waiting)}, nil
	}
	generations, err := x.Bus.Generations(ctx, x.job.ID)
	if err != nil {
		return nil, err
	}
	look := looking{x: x, drives: x.Drives.As(x.who.Access()), rel: rel, fingerprint: func(s fileid.Stat) string {
		return fileid.Fingerprint(x.job.ID, rel, generations[rel], s)
	}}
	found, in := change.Look(func() place { return look.at(k) })
	if !in {
		found = place{Facts: x.onPath(rel, why.FileHangs)}
	}
	if found.Folder == nil {
		found.Folder = why.FolderOf(k.watch)
	}
	return &found, nil
}

// onPath is what is known at least of a file.
func (x *explained) onPath(rel string, state events.FileState) why.Facts {
	f, file := x.facts(), events.NewFile(rel)
	f.Kind, f.Path, f.PathB64, f.State = events.KindFile, file.Path, file.PathB64, state
	return f
}

// waiting is what a watcher reports of a file.
func (x *explained) waiting(w events.WaitingFile) why.Facts {
	f := x.onPath(w.RawPath(), w.State)
	f.Since, f.Reason, f.Seen, f.Modified, f.Quiet = w.Since.UTC(), w.Reason, w.FirstSeen.UTC(), w.Modified.UTC(), w.QuietMS
	if w.State == events.FileUnmarked && x.plan != nil {
		f.Marker = events.NewFile(x.markerOf(w.RawPath())).Path
	}
	return f
}

// markerOf is the path of the marker of a file.
func (x *explained) markerOf(rel string) string {
	return path.Join(path.Dir(rel), x.plan.Options.Watch.MarkerOf(path.Base(rel)))
}

// stale is the age from which on a report of waiting files counts for nothing: a
// watcher repeats it every 10 minutes.
const stale = 15 * time.Minute

// watched reads what watchers report of a file and its folder.
func (a *API) watched(ctx context.Context, jobID, rel string) (file *events.WaitingFile, watch *events.WatchState, err error) {
	watch, waiting, at, err := a.Bus.FolderStates(ctx, jobID)
	if time.Since(at) > stale {
		return nil, watch, err
	}
	for _, f := range waiting.Files {
		if f.RawPath() == rel {
			file = &f
		}
	}
	return file, watch, err
}

// looking looks at one path below the folder of a job.
type looking struct {
	x           *explained
	drives      *drive.Drives
	rel         string
	fingerprint func(fileid.Stat) string
}

func (l looking) in(state events.FileState) place { return place{Facts: l.x.onPath(l.rel, state)} }

func (l looking) at(k known) place {
	dir := l.x.plan.InputDir
	folder, err := l.drives.OpenDir(dir)
	if err != nil {
		p := l.in(events.FileNoFolder)
		if p.Folder = l.away(dir, err); !l.x.here(dir) && k.watch != nil {
			p.Folder = why.FolderOf(k.watch) // it lies on another machine
		}
		return p
	}
	defer folder.Close() //nolint:errcheck // was only read
	info, err := folder.Lstat(l.rel)
	if errors.Is(err, fs.ErrNotExist) {
		p := l.in(events.FileAbsent)
		if len(k.versions) == 0 {
			p.State = why.FileNever
		}
		p.Rule = l.similar(folder)
		return p
	}
	if err != nil {
		p := l.in(events.FileUnreadable)
		p.Reason = drive.Reason(err)
		return p
	}
	if !info.Mode().IsRegular() {
		p := l.in(events.FileNotAFile)
		p.Rule = kindOfFile(info.Mode())
		return p
	}
	p := l.judge(k, folder)
	p.size, p.Modified = new(info.Size()), info.ModTime().UTC()
	return p
}

// away says why a folder cannot be opened, in the words of a watcher.
func (l looking) away(dir events.Path, err error) *why.Folder {
	f := &why.Folder{State: events.FolderBlocked, Path: l.drives.HostPath(dir), Reason: l.drives.Why(dir, err)}
	if errors.Is(err, fs.ErrNotExist) {
		f.State = events.FolderAbsent
	}
	return f
}

// judge says of a regular file why it is not taken.
func (l looking) judge(k known, folder *os.Root) place {
	if state, why := l.x.plan.Options.Watch.Judge(l.rel); why != "" {
		p := l.in(state)
		p.Rule = why
		return p
	}
	stat, err := statBelow(folder, l.rel)
	if err != nil {
		p := l.in(events.FileUnreadable)
		p.Reason = drive.Reason(err)
		return p
	}
	fingerprint := l.fingerprint(stat)
	for _, v := range k.versions {
		if v.Fingerprint == fingerprint {
			return place{Facts: v.facts}
		}
	}
	if p, waits := l.unmarked(folder, stat); waits {
		if k.waiting != nil && k.waiting.State == events.FileUnmarked {
			p.Since, p.Seen = k.waiting.Since.UTC(), k.waiting.FirstSeen.UTC()
		}
		return p
	}
	if k.waiting != nil && k.waiting.State != events.FileUnmarked {
		return place{Facts: l.x.waiting(*k.waiting)}
	}
	return l.young(stat)
}

// young says of a file in whose way nothing is how long that has been so.
func (l looking) young(stat fileid.Stat) place {
	modified := time.Unix(0, max(stat.Modified, stat.Changed))
	quiet := time.Duration(l.x.plan.Options.Watch.QuietMS) * time.Millisecond
	if quiet < 0 {
		quiet = time.Second // more than watchers wait by themselves, but on network mounts
	}
	if time.Since(modified) >= quiet {
		return l.in(events.FileUnseen)
	}
	p := l.in(events.FileYoung)
	if p.Quiet = 0; l.x.plan.Options.Watch.QuietMS > 0 {
		p.Quiet = quiet.Milliseconds()
	}
	return p
}

// unmarked says that a file waits for its marker.
func (l looking) unmarked(folder *os.Root, stat fileid.Stat) (p place, waits bool) {
	if l.x.plan.Options.Watch.Marker == "" {
		return p, false
	}
	name := l.x.markerOf(l.rel)
	p = l.in(events.FileUnmarked)
	p.Marker = events.NewFile(name).Path
	marker, err := folder.Lstat(name)
	switch {
	case err != nil || !marker.Mode().IsRegular():
		return p, true
	case marker.ModTime().UnixNano() < stat.Modified && stat.Modified <= time.Now().UnixNano():
		if m, err := statBelow(folder, name); err == nil && max(m.Modified, m.Changed) < stat.Modified {
			p.Rule = "the marker is older"
			return p, true
		}
	}
	return p, false
}

// similar names a file whose name differs in capitals alone.
func (l looking) similar(folder *os.Root) string {
	dir, err := folder.Open(path.Join(".", path.Dir(l.rel)))
	if err != nil {
		return ""
	}
	defer dir.Close()                    //nolint:errcheck // was only read
	names, _ := dir.Readdirnames(10_000) // the first will do
	for _, name := range names {
		if strings.EqualFold(name, path.Base(l.rel)) {
			return events.NewFile(name).Path
		}
	}
	return ""
}

func statBelow(folder *os.Root, rel string) (fileid.Stat, error) {
	dir, err := folder.Open(path.Join(".", path.Dir(rel)))
	if err != nil {
		return fileid.Stat{}, err
	}
	defer dir.Close() //nolint:errcheck // was only read
	info, err := fileid.At(folder, dir, path.Base(rel))
	return info.Stat, err
}

func kindOfFile(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "a folder"
	case m&fs.ModeSymlink != 0:
		return "a link, which is never followed"
	case m&fs.ModeNamedPipe != 0:
		return "a pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	default:
		return "a device"
	}
}
