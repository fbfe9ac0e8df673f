package dispatcher

import (
	"encoding/json"
	"log/slog"
	"sync"
	"sync/atomic"

	"spool.internal/events"
	"spool.internal/events/scrub"
	"spool.internal/events/seal"
)

// jobCache holds the newest revision of every job. The job feed writes it; everybody else reads it.
type jobCache struct {
	key     *seal.Key
	builtIn bool
	others  []string // secrets of the dispatcher itself that the endpoint knows
	log     *slog.Logger

	mu      sync.RWMutex
	jobs    map[string]*job
	changed chan string // ids of jobs whose source of files may have to change
	deleted chan string // ids of jobs whose queues must be emptied
}

// job is one revision of a job. Its parameters are read when they are first needed.
type job struct {
	events.Job
	automatic   bool         // it takes files
	concurrency int          // max_concurrency
	serial      bool         // its runs must not overlap
	slot        atomic.Int64 // the newest that was called for

	once     sync.Once
	params   *events.Parameters // with secrets in clear
	settings json.RawMessage    // of its calls
	ref      events.JobRef      // says in events which job it is
	secrets  *scrub.Scrubber    // takes them out of answers of the endpoint
	fault    error
}

func newJobCache(key *seal.Key, builtIn bool, others []string, log *slog.Logger) *jobCache {
	return &jobCache{
		key: key, builtIn: builtIn, others: others, log: log,
		jobs: map[string]*job{}, changed: make(chan string, 1024), deleted: make(chan string, 1024),
	}
}

// apply stores one revision; the feed calls it.
func (c *jobCache) apply(r events.JobRevision) {
	id := r.Event.Job.ID
	if r.Gone() {
		c.mu.Lock()
		_, had := c.jobs[id]
		delete(c.jobs, id)
		c.mu.Unlock()
		if had {
			offer(c.changed, id)
			offer(c.deleted, id)
		}
		return
	}
	j := &job{Job: r.Event.Job}
	if params, err := events.ParseParameters(j.Parameters); err != nil {
		c.log.Error("the parameters of a job cannot be read", "job_id", id, "error", err.Error())
		j.once.Do(func() { j.fault = err })
	} else {
		j.automatic, j.concurrency, j.serial = params.Spooled, params.Options.MaxConcurrency, params.Options.Overlap.Serial()
	}
	c.mu.Lock()
	c.jobs[id] = j
	c.mu.Unlock()
	if j.automatic {
		offer(c.changed, id)
	}
}

// offer never blocks: an id that does not fit is found by the next sweep, or at the next start.
func offer(ch chan string, id string) {
	select {
	case ch <- id:
	default:
	}
}

func (c *jobCache) get(id string) (*job, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	j, ok := c.jobs[id]
	return j, ok
}

// automatic returns the ids of the enabled jobs that take files.
func (c *jobCache) automatic() []string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	var ids []string
	for id, j := range c.jobs {
		if j.automatic && j.Status == events.Enabled {
			ids = append(ids, id)
		}
	}
	return ids
}

// parameters returns a job's parameters with the secrets that the endpoint needs in clear. The built-in runner needs
// those of a command only: it trusts the dispatcher, and notify reads the job itself.
func (c *jobCache) parameters(j *job) (*events.Parameters, error) {
	j.once.Do(func() {
		defer func() {
			if j.fault == nil {
				j.ref, j.settings = j.Ref(j.params), events.Encode(j.params.RunSettings())
			}
		}()
		open, fault := j.Reveal(c.key.Open)
		if fault == nil {
			j.secrets = scrub.NewForJob(open, c.others...)
		} else {
			j.secrets = scrub.New(c.others...)
		}
		if j.params, j.fault = open, fault; !c.builtIn {
			return
		}
		if j.params, j.fault = events.ParseParameters(j.Parameters); j.fault == nil {
			j.params.Settings = j.params.Settings.Delete("webhook_config").Delete("notification_emails")
			if len(j.params.Options.Run.Secrets) > 0 {
				if j.fault = fault; fault == nil {
					j.params.Options.Run.Secrets = open.Options.Run.Secrets
				}
			}
		}
	})
	return j.params, j.fault
}
