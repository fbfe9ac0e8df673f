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
	"spool.internal/gateway/change"
)

// standing is where a file is that a job is asked about: what lies at its path now,
// and why it is not taken yet, or never will be.
type standing struct {
	State    events.FileState `json:"state"`
	Reason   string           `json:"reason"`
	Since    time.Time        `json:"since,omitzero"`    // as far as a watcher has seen it
	Size     *int64           `json:"size,omitempty"`    // of a file that lies there
	Modified time.Time        `json:"modified,omitzero"` // likewise
}

// known is what the streams say about a path, for [API.stand].
type known struct {
	versions []fileVersion
	waiting  *events.WaitingFile // as a watcher reports it
	watch    *events.WatchState
	disabled bool
}

// stand says where the file at a path is; nil where that is not known.
func (a *API) stand(ctx context.Context, who change.Caller, job events.Job, rel string, versions []fileVersion) (*standing, error) {
	p, err := job.Plan(a.Zone)
	if err != nil || !p.Spooled {
		return nil, nil //nolint:nilerr // of another version, or of the clock: it has no folder
	}
	k := known{versions: versions, disabled: job.Status == events.Disabled}
	if k.waiting, k.watch, err = a.watched(ctx, job.ID, rel); err != nil {
		return nil, err
	}
	if a.Drives == nil || who.Access().CheckJob(p.Parameters) != nil {
		if k.waiting == nil {
			return nil, nil
		}
		return k.asWatched(), nil
	}
	generations, err := a.Bus.Generations(ctx, job.ID)
	if err != nil {
		return nil, err
	}
	look := looking{drives: a.Drives.As(who.Access()), p: p.Parameters, rel: rel, fingerprint: func(s fileid.Stat) string {
		return fileid.Fingerprint(job.ID, rel, generations[rel], s)
	}}
	found, in := change.Look(func() standing { return look.at(k) })
	if !in {
		found = standing{State: events.FileNoFolder, Reason: "the folder " + p.InputDir.String() + " does not answer: its mount hangs, or is slow"}
	}
	return &found, nil
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

func (k known) asWatched() *standing {
	return &standing{State: k.waiting.State, Reason: k.waiting.Reason, Since: k.waiting.Since}
}

// looking looks at one path below the folder of a job.
type looking struct {
	drives      *drive.Drives
	p           *events.Parameters
	rel         string
	fingerprint func(fileid.Stat) string
}

func (l looking) at(k known) standing {
	folder, err := l.drives.OpenDir(l.p.InputDir)
	if err != nil {
		return standing{State: events.FileNoFolder, Reason: "the folder " + l.p.InputDir.String() + " " + l.drives.Why(l.p.InputDir, err)}
	}
	defer folder.Close() //nolint:errcheck // was only read
	info, err := folder.Lstat(l.rel)
	if errors.Is(err, fs.ErrNotExist) {
		return standing{State: events.FileAbsent, Reason: "no file of this name lies in the folder" + l.similar(folder)}
	}
	if err != nil {
		return standing{State: events.FileUnreadable, Reason: "it cannot be looked at: " + drive.Reason(err)}
	}
	if !info.Mode().IsRegular() {
		return standing{State: events.FileNotAFile, Reason: "it is " + kindOfFile(info.Mode()) + ": only regular files are run"}
	}
	size := info.Size()
	s := l.judge(k, folder)
	s.Size, s.Modified = &size, info.ModTime().UTC()
	return s
}

// judge says of a regular file why it is not taken.
func (l looking) judge(k known, folder *os.Root) standing {
	if state, why := l.p.Options.Watch.Judge(l.rel); why != "" {
		return standing{State: state, Reason: "it " + why}
	}
	stat, err := statBelow(folder, l.rel)
	if err != nil {
		return standing{State: events.FileUnreadable, Reason: "it cannot be looked at: " + drive.Reason(err)}
	}
	fingerprint := l.fingerprint(stat)
	for _, v := range k.versions {
		if v.Fingerprint == fingerprint {
			return v.taken(k.disabled)
		}
	}
	if why := l.unmarked(folder, stat); why != "" {
		return standing{State: events.FileUnmarked, Reason: why}
	}
	if k.waiting != nil {
		return *k.asWatched()
	}
	if w := k.watch; w != nil && w.State != events.FolderLive && w.State != events.FolderPoll {
		return standing{State: events.FileUnseen, Reason: strings.TrimSuffix("the folder is "+string(w.State)+": "+w.Reason, ": "), Since: w.Since}
	} else if w != nil && w.Reason != "" && w.State == events.FolderLive {
		return standing{State: events.FileUnseen, Reason: w.Reason, Since: w.Since}
	}
	return l.young(stat)
}

// young says of a file in whose way nothing is how long that has been so.
func (l looking) young(stat fileid.Stat) standing {
	age := time.Since(time.Unix(0, max(stat.Modified, stat.Changed))).Round(time.Millisecond)
	quiet := time.Duration(l.p.Options.Watch.QuietMS) * time.Millisecond
	if quiet < 0 {
		quiet = time.Second // more than watchers wait by themselves, but on network mounts
	}
	if age < quiet {
		return standing{State: events.FileYoung, Reason: "it has changed " + age.String() + " ago, and is taken when it has been left alone for a moment (spool.watch.quiet_ms)"}
	}
	return standing{State: events.FileUnseen, Reason: "nothing is in its way: it is taken at the next look at the folder, within a minute, or waits behind many others"}
}

// unmarked says that a file waits for its marker.
func (l looking) unmarked(folder *os.Root, stat fileid.Stat) string {
	watch := l.p.Options.Watch
	if watch.Marker == "" {
		return ""
	}
	name := path.Join(path.Dir(l.rel), watch.MarkerOf(path.Base(l.rel)))
	marker, err := folder.Lstat(name)
	switch {
	case err != nil || !marker.Mode().IsRegular():
		return "it waits for its marker " + events.NewFile(name).Path + " (spool.watch.marker), which is not there"
	case marker.ModTime().UnixNano() < stat.Modified && stat.Modified <= time.Now().UnixNano():
		if m, err := statBelow(folder, name); err == nil && max(m.Modified, m.Changed) < stat.Modified {
			return "its marker " + events.NewFile(name).Path + " is older than the file, and speaks of what that was before: write it again"
		}
	}
	return ""
}

// taken says what became of a file that the ledger knows as it lies there.
func (v fileVersion) taken(disabled bool) standing {
	s := standing{State: events.FileTaken, Since: v.Seen, Reason: "it was taken as it lies there: the first of `files` with this fingerprint says what became of it"}
	switch {
	case v.MarkedBy != "":
		s.Reason = v.MarkedBy + " has marked it as run"
	case v.Ignored:
		s.Reason = "it lay there before the job was made, and was not to be run (spool.watch.existing)"
	case v.Held != nil:
		s.Reason = "it is held: " + v.Held.Reason
	case v.Queued && disabled:
		s.Reason = "it is queued, and waits until the job is enabled"
	case v.Queued:
		s.Reason = "it is queued: it waits for its call, or is being called"
	}
	return s
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
			return ", but " + events.NewFile(name).Path + " does: capitals count"
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
