package watcher

import (
	"log/slog"
	"sync/atomic"
	"time"

	"spool.internal/events"
	"spool.internal/watcher/notify"
	"spool.internal/watcher/settle"
	"spool.internal/watcher/stage"
)

// task is what a job asks of its folder.
type task struct {
	path   events.Path
	out    events.Path // where the runs write
	watch  events.Watch
	after  events.After
	shared bool   // the folder is the same on every machine that has its drive
	place  string // the machine that alone has it; empty = any
	before int64  // ns since 1970; files that came earlier are not run; 0 = all are
}

// current is what can change in a job while its folder stays the same.
type current struct {
	owner  string
	seq    atomic.Uint64 // of the newest revision
	exempt atomic.Bool   // the owner has no quota
}

// folder is the folder of one job, or a directory below it.
type folder struct {
	jobID string
	task  task
	host  string // where it lies on this host, for people
	logs  *slog.Logger

	wake         func()
	stateChanged func() // called when what is shown of it has changed

	below   string   // the path below the job's folder; "" = that folder itself
	now     *current // of the job, for its folder and all below it
	stopped atomic.Bool
	several atomic.Bool   // other machines have a drive of this name, too, with a folder of their own
	gone    chan struct{} // closed when nobody will touch the folder again

	parent *folder            // of a directory in another
	subs   map[string]*folder // by name; both are guarded by the watcher

	hints    notify.Buffer
	requests requests
	activity stage.Activity // of the worker that has the folder
	shown    shown
	allotted *allotment // of the owner

	queueState queueState
	work       work
}

// work is what only the worker touches that has taken the folder from the queue.
type work struct {
	dir         *settle.Folder
	rule        settle.Rule
	id          stage.Identity // of the directory that was last opened; zero = none
	mount       mounted        // of that directory
	provenance  *provenance    // who writes into it; nil = not yet known
	watchedPath string         // the path that the notifier watches for it; "" = none

	known       *memory
	pending     map[string]*candidate
	hinted      []string          // names to consider
	arrived     map[string]bool   // those of them that are new; nothing was written under them since
	generations map[string]string // by path, of files that were asked to run again

	scan      *scan         // under way; nil = none
	scanTook  time.Duration // the last one
	scannedAt time.Time     // when the last complete one ended
	crowded   int           // files that the last scan found no room for in pending
	unmarked  int           // files that lacked their marker when the last scan saw them
	looked    int           // files that the last complete scan looked at
	ignored   int           // those of them that a rule leaves alone

	bare map[string]bare // files that lack their marker, by name; at most [events.MaxWaitingFiles]

	links   *stage.Links // nil: stages are copies
	staging backpressure // of the drive

	logged   logged // what the log knows of the folder
	troubled bool   // the log has said that something is wrong
	noLease  bool   // the log has said that there are no leases
	noLink   bool   // the log has said that files cannot be linked
}

// log is for lines about the folder. It is made anew each time: thousands of folders have nothing to log.
func (f *folder) log() *slog.Logger {
	log := f.logs.With("job_id", f.jobID)
	if f.below != "" {
		log = log.With("folder", f.below)
	}
	return log
}

// initial reports that the file was there before the job was made, and is not to be run.
func (f *folder) initial(c *candidate) bool {
	return max(c.stat.Changed, c.stat.Birth) < f.task.before
}

// maxPending is how many files of a folder wait in memory until they are complete; the others wait for a scan.
const maxPending = 2000

// candidate is a file that is not known to be in the ledger.
type candidate struct {
	name        string
	file        settle.File
	stat        settle.Stat
	fingerprint string // of stat, computed once
	seen        time.Time
	action      settle.Action
	due         time.Time // when to look again
	complete    time.Time // when it was found complete
	batched     bool
	committing  bool
	stage       stage.Staged // the newest
	chain       []string     // the jobs whose runs led to it
	logged      bool         // the log has said that it cannot be read or staged

	state events.FileState // why it waits, when that has been found out
	why   string
	from  time.Time
}

// came says how it was known that the file is complete.
func (c *candidate) came() events.Came {
	switch {
	case c.file.State() == settle.Marked:
		return events.CameMarker
	case c.action == settle.Confirm:
		return events.CameRenamed
	case c.action == settle.Ready:
		return events.CameUnchanged
	}
	return events.CameLease
}

// saw notes the stat of a file. What was known of another content counts no more.
func (c *candidate) saw(s settle.Stat, now time.Time) {
	if s == c.stat {
		return
	}
	if c.stat, c.fingerprint, c.logged = s, "", false; c.state != events.FileOpen {
		c.setReason("", "", now)
	}
}

// setReason says why a file waits.
func (c *candidate) setReason(state events.FileState, why string, now time.Time) {
	if c.state != state {
		c.state, c.from = state, now
	}
	c.why = why
}

// maxWait is longer than any wait that matters.
const maxWait = time.Hour

// due returns how long until there is something to look at.
func (k *work) due(now time.Time) time.Duration {
	if k.dir.Away() {
		return maxWait
	}
	if k.scan != nil || len(k.hinted) > 0 {
		return 0
	}
	wait := maxWait
	for _, c := range k.pending {
		wait = min(wait, c.due.Sub(now))
	}
	return max(0, wait)
}

// candidate returns what is pending under a name, or a new candidate.
func (k *work) candidate(name string) *candidate {
	if c := k.pending[name]; c != nil {
		return c
	}
	return &candidate{name: name, seen: time.Now()}
}

// keep remembers that the file is in the ledger.
func (k *work) keep(c *candidate) {
	k.known.keep(c.name, c.stat)
	delete(k.pending, c.name)
}

// forget notes that there is no such file.
func (k *work) forget(name string) {
	k.known.forget(name)
	delete(k.bare, name)
	delete(k.pending, name)
}

// postpone has a candidate looked at again when it is due.
func (k *work) postpone(c *candidate, due time.Time) {
	c.due = due
	if k.pending[c.name] == c || len(k.pending) < maxPending {
		k.pending[c.name] = c
		return
	}
	k.crowded++
}

// busy has a candidate tried again later that could not be opened or staged now.
func (k *work) busy(c *candidate, now time.Time) { k.postpone(c, now.Add(c.file.Busy(k.rule, now))) }

// vacate forgets everything about a directory that is not there any more. What is known stays: the same files may
// come back.
func (k *work) vacate() {
	k.id, k.provenance = stage.Identity{}, nil
	k.endScan()
	k.hinted, k.crowded = nil, 0
	clear(k.pending)
	clear(k.bare)
	clear(k.arrived)
}
