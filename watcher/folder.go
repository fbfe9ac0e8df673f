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

// maxPending is how many files of a folder wait in memory for their quiet period; the others wait for a scan.
const maxPending = 2000

// task is what a job asks of its folder.
type task struct {
	path   events.Path
	out    events.Path // where the runs write
	watch  events.Watch
	after  events.After
	before int64 // ns since 1970; files that came earlier are not run; 0 = all are
}

// current is what changes of a job without its folder being another.
type current struct {
	owner  string
	seq    atomic.Uint64 // of the newest revision
	exempt atomic.Bool   // the owner has no quota
}

// folder is the folder of one job, or a directory below it. What stands below place belongs to the
// worker that has taken the folder from the queue.
type folder struct {
	jobID string
	task  task
	host  string // where it lies on this host, for people
	rule  settle.Rule
	logs  *slog.Logger
	wake  func()
	news  func() // of what it shows

	below   string   // the path below the job's folder; "" = that folder itself
	now     *current // of the job, for its folder and all below it
	stopped atomic.Bool
	gone    chan struct{} // closed when nobody will touch the folder again

	parent *folder            // of a directory in another
	subs   map[string]*folder // by name; both are guarded by the watcher

	hints    notify.Buffer
	requests requests
	pulse    stage.Activity
	shown    shown
	place    place

	dir       *settle.Folder
	id        stage.Identity // of the directory at the last look; zero = none
	mount     mounted        // of that directory
	home      *home          // who writes into it; nil = nobody has asked yet
	listening string         // the path that the notifier watches for it
	known     *memory
	pending   map[string]*candidate
	hinted    []string        // names to look at
	named     map[string]bool // those of them that have just come; nothing was written under them since
	unmarked  int             // files that lacked their marker when the last scan saw them
	pass      *pass
	crowded   int // files that the last scan found no room for in pending
	took      time.Duration
	scanned   time.Time // end of the last complete scan
	staging   pressure
	allotted  *allotment // of the owner
	said      said
	troubled  bool         // said is that something is wrong
	noLease   bool         // said already
	noLink    bool         // said already
	linking   *stage.Links // nil: stages are copies

	generations map[string]string // by path, of files that were asked to run again
}

// candidate is a file that is not known to be in the ledger.
type candidate struct {
	name        string
	file        settle.File
	stat        settle.Stat
	fingerprint string // of stat, computed once
	seen        time.Time
	action      settle.Action
	due         time.Time // when to look again
	batched     bool
	linked      bool     // its stage is a hard link
	chain       []string // the jobs whose runs led to it
	said        bool     // that it cannot be read

	state events.FileState // what it waits for, when that has been found out
	why   string
	from  time.Time
}

// log is for lines about the folder. It is made anew each time: thousands of
// folders have nothing to say.
func (f *folder) log() *slog.Logger {
	log := f.logs.With("job_id", f.jobID)
	if f.below != "" {
		log = log.With("folder", f.below)
	}
	return log
}

// due tells how long until there is something to look at.
func (f *folder) due(now time.Time) time.Duration {
	if f.dir.Away() {
		return maxWait
	}
	if f.pass != nil || len(f.hinted) > 0 {
		return 0
	}
	wait := maxWait
	for _, c := range f.pending {
		wait = min(wait, c.due.Sub(now))
	}
	return max(0, wait)
}

// maxWait is longer than any wait that matters.
const maxWait = time.Hour

// keep remembers that the file is in the ledger.
func (f *folder) keep(c *candidate) {
	f.known.keep(c.name, c.stat)
	delete(f.pending, c.name)
}

// forget takes in that there is no such file.
func (f *folder) forget(name string) {
	f.known.forget(name)
	delete(f.pending, name)
}

// wait holds a candidate until it is due.
func (f *folder) wait(c *candidate, due time.Time) {
	c.due = due
	if f.pending[c.name] == c || len(f.pending) < maxPending {
		f.pending[c.name] = c
		return
	}
	f.crowded++
}

// vacate forgets what was about a directory that is not there any more. What is
// known stays: the same files may come back.
func (f *folder) vacate() {
	f.id, f.home = stage.Identity{}, nil
	f.endPass()
	f.hinted, f.crowded = nil, 0
	clear(f.pending)
	clear(f.named)
}
