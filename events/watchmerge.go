package events

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"spool.internal/events/sorting"
)

// SaidWatch is what a watcher said of a folder, and when the store took it.
type SaidWatch struct {
	WatchState
	At time.Time
}

// SaidFiles is which files a watcher leaves alone, likewise.
type SaidFiles struct {
	WaitingFiles
	At time.Time
}

// saidAgain is after how long a watcher that is there has said again what it says of a folder.
const saidAgain = StateRenew + 2*time.Minute

// severity orders states by how much they need attention.
var severity = map[FolderState]int{
	FolderLive: 1, FolderArming: 2, FolderRescan: 3, FolderPoll: 4, FolderAbsent: 5, FolderBlocked: 6,
}

// WorseFolder reports whether a state needs more attention than another.
func WorseFolder(s, than FolderState) bool { return severity[s] > severity[than] }

// MergeWatch puts together what the watchers of several places say of the folder of one job; nil is that
// nobody says anything. A watcher without a state has let go of the folder. That no machine serves the
// drive counts until one says something of the folder. What is not repeated while others repeat theirs is
// of a machine that is away.
func MergeWatch(said []SaidWatch) *WatchState {
	var newest, served time.Time
	for _, s := range said {
		if newest.Before(s.At) {
			newest = s.At
		}
		if s.State != "" && !s.Unserved && served.Before(s.At) {
			served = s.At
		}
	}
	var all []SaidWatch
	for _, s := range said {
		if s.State != "" && newest.Sub(s.At) < saidAgain && (!s.Unserved || s.At.After(served)) {
			all = append(all, s)
		}
	}
	if i := slices.IndexFunc(all, func(s SaidWatch) bool { return s.Unserved }); i >= 0 {
		w := all[i].WatchState
		w.Place = ""
		return &w
	}
	sorting.By(all, func(a, b SaidWatch) int { return cmp.Compare(a.Place, b.Place) })
	if len(all) == 0 {
		return nil
	}
	w := all[0].WatchState
	for _, s := range all[1:] {
		w = mergeWatch(w, s.WatchState)
	}
	if len(all) > 1 {
		w.Place = ""
	}
	return &w
}

// mergeWatch adds what another watcher says: the worst state counts. Files of a shared folder are the
// same for both.
func mergeWatch(w, o WatchState) WatchState {
	if WorseFolder(o.State, w.State) {
		w.State, w.Since, w.HostPath, w.Reason = o.State, o.Since, o.HostPath, o.Reason
		if o.Reason != "" {
			w.Reason = o.Place + ": " + o.Reason
		}
	}
	both := func(a, b int) int {
		if o.Shared {
			return max(a, b)
		}
		return a + b
	}
	w.Pending, w.Unmarked = both(w.Pending, o.Pending), both(w.Unmarked, o.Unmarked)
	w.Looked, w.Ignored = both(w.Looked, o.Looked), both(w.Ignored, o.Ignored)
	if o.Held > w.Held {
		w.Held, w.Ring, w.Ignore = o.Held, o.Ring, o.Ignore
	}
	if w.LastScan.Before(o.LastScan) {
		w.LastScan = o.LastScan
	}
	if w.OldestPending.IsZero() || !o.OldestPending.IsZero() && o.OldestPending.Before(w.OldestPending) {
		w.OldestPending = o.OldestPending
	}
	if o.Note != "" && o.Note != w.Note {
		w.Note = strings.TrimPrefix(w.Note+"; "+o.Place+": "+o.Note, "; ")
	}
	return w
}

// MergeWaiting puts together which files the watchers of several places leave alone; at is when the last
// said so. A file of a shared folder that two name is named once.
func MergeWaiting(said []SaidFiles) (all WaitingFiles, at time.Time) {
	for _, s := range said {
		if at.Before(s.At) {
			at = s.At
		}
	}
	seen := map[string]bool{}
	for _, s := range said {
		if at.Sub(s.At) >= saidAgain {
			continue
		}
		all.JobID, all.More = s.JobID, all.More+s.More
		if all.At.Before(s.WaitingFiles.At) {
			all.At = s.WaitingFiles.At
		}
		for _, f := range s.Files {
			if !seen[f.RawPath()] {
				seen[f.RawPath()] = true
				all.Files = append(all.Files, f)
			}
		}
	}
	sorting.Stably(all.Files, func(a, b WaitingFile) int { return a.Since.Compare(b.Since) })
	return all, at
}
