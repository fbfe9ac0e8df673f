package index

import (
	"slices"
	"time"

	"spool.internal/events"
)

// folder is what a watcher says of the folder of a job.
type folder struct {
	state   events.FolderState // one of the constants
	pending uint32
	oldest  uint32 // seconds since 1970; 0 = no file waits
	until   uint32 // when that is forgotten, likewise
}

func (f folder) holds(now time.Time) bool { return int64(f.until) > now.Unix() }

// retry is what a dispatcher says of the calls of a job that it repeats.
type retry struct {
	trigger uint64 // the one that is called next
	next    uint32 // when, in seconds since 1970
	waiting uint32 // how many wait
}

// overdue is how long after its time a call is made that is repeated, or said to be repeated again.
const overdue = time.Minute

func (r retry) holds(now time.Time) bool { return int64(r.next) > now.Add(-overdue).Unix() }

var folderStates = []events.FolderState{
	events.FolderAbsent, events.FolderArming, events.FolderLive, events.FolderRescan, events.FolderPoll, events.FolderBlocked,
}

// shared gives a state as the constant, which takes up nothing more.
func shared(s events.FolderState) events.FolderState {
	for _, c := range folderStates {
		if s == c {
			return c
		}
	}
	return ""
}

func (x *Index) watched(s events.WatchState, said time.Time, own bool) {
	until := said.Add(events.StateKept)
	if own {
		until = said.Add(events.OwnKept)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if n, ok := x.table.number(s.JobID); ok {
		if s.Place != "" || len(x.places[n]) > 0 {
			w := x.merged(n, events.SaidWatch{WatchState: s, At: said})
			if w == nil {
				delete(x.folders, n)
				return
			}
			s = *w
		}
		f := folder{state: shared(s.State), pending: uint32(max(0, s.Pending)), until: seconds(until)}
		if !s.OldestPending.IsZero() && s.Pending > 0 {
			f.oldest = seconds(s.OldestPending)
		}
		x.folders[n] = f
	}
}

// merged puts together what the watchers of all places say of the folder of a job, with what one says
// now. x is locked.
func (x *Index) merged(n uint32, now events.SaidWatch) *events.WatchState {
	all := slices.DeleteFunc(x.places[n], func(s events.SaidWatch) bool {
		return s.Place == now.Place || now.At.Sub(s.At) > events.StateKept
	})
	x.places[n] = append(all, now)
	return events.MergeWatch(x.places[n])
}

func (x *Index) retried(s events.RetryState) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if n, ok := x.table.number(s.JobID); ok {
		x.retries[n] = retry{events.TraceOf(s.TriggerID) & traceMask, seconds(s.Next), uint32(max(0, s.Waiting))}
	}
}

// rulings are the last slots of a job that had a verdict, by verdict; 0 is none.
type rulings [4]events.Minute

// verdicts are those that jobs are searched by.
var verdicts = [...]events.Ruling{events.VerdictMissed, events.VerdictSkipped, events.VerdictSuperseded, events.VerdictDisabled}

// hadWithin is how long a job counts as having had a verdict.
const hadWithin = 24 * time.Hour

func (x *Index) ruled(v events.Verdict) {
	x.mu.Lock()
	defer x.mu.Unlock()
	n, ok := x.table.number(v.JobID)
	if !ok {
		return
	}
	for i, is := range verdicts {
		if v.Verdict == is {
			r := x.had[n]
			r[i] = max(r[i], v.To)
			x.had[n] = r
		}
	}
}

// hadOf reports whether a slot of a job in the last day had a verdict. x is locked.
func (x *Index) hadOf(n uint32, verdict events.Ruling, now time.Time) bool {
	if len(x.had) == 0 {
		return false
	}
	r, ok := x.had[n]
	if !ok {
		return false
	}
	since := events.MinuteOf(now.Add(-hadWithin))
	for i, is := range verdicts {
		if is == verdict {
			return r[i] > since
		}
	}
	return false
}

// sweep forgets what nobody says any more, and what the streams have dropped.
func (x *Index) sweep(first uint64, now time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.each(func(h *history) { h.keep(first, now) })
	for n, f := range x.folders {
		if !f.holds(now) {
			delete(x.folders, n)
			delete(x.places, n)
		}
	}
	for n, r := range x.retries {
		if !r.holds(now) {
			delete(x.retries, n)
		}
	}
	for of, at := range x.acked {
		if int64(at) < now.Add(-keptFor).Unix() {
			delete(x.acked, of)
		}
	}
	since := events.MinuteOf(now.Add(-hadWithin))
	for n, r := range x.had {
		if max(r[0], r[1], r[2], r[3]) <= since {
			delete(x.had, n)
		}
	}
}
