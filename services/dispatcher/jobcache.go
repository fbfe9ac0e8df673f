package dispatcher

import (
	"log/slog"
	"sync"
	"sync/atomic"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/events/scrub"
	"spool.internal/events/seal"
)

// picture is what the dispatcher knows of all jobs.
type jobCache struct {
	key     *seal.Key
	builtIn bool
	others  []string // secrets of this dispatcher that the endpoint knows
	log     *slog.Logger

	mu      sync.RWMutex
	jobs    map[string]*job
	changed chan string // ids of jobs whose files may have to be pulled differently
	deleted chan string // ids of jobs whose queues are to be emptied
}

// job is one revision of a job; its parameters are read when they are first needed.
type job struct {
	events.Job
	automatic bool
	hold      int          // max_concurrency
	serial    bool         // its runs must not overlap
	slot      atomic.Int64 // the newest that was called for

	once    sync.Once
	params  *events.Parameters // with secrets in clear
	secrets *scrub.Scrubber    // takes them out of what the endpoint says
	fault   error
}

func newJobCache(key *seal.Key, builtIn bool, others []string, log *slog.Logger) *jobCache {
	return &jobCache{
		key: key, builtIn: builtIn, others: others, log: log,
		jobs: map[string]*job{}, changed: make(chan string, 1024), deleted: make(chan string, 1024),
	}
}

func (c *jobCache) apply(r jet.JobRevision) {
	id := r.Event.Job.ID
	if r.Gone() {
		c.mu.Lock()
		_, had := c.jobs[id]
		delete(c.jobs, id)
		c.mu.Unlock()
		if had {
			notify(c.changed, id)
			notify(c.deleted, id)
		}
		return
	}
	j := &job{Job: r.Event.Job}
	if params, err := events.ParseParameters(j.Parameters); err != nil {
		c.log.Error("the parameters of a job cannot be read", "job_id", id, "error", err.Error())
		j.once.Do(func() { j.fault = err })
	} else {
		j.automatic, j.hold, j.serial = params.Spooled, params.Options.MaxConcurrency, params.Options.Overlap != "allow"
	}
	c.mu.Lock()
	c.jobs[id] = j
	c.mu.Unlock()
	if j.automatic {
		notify(c.changed, id)
	}
}

// notify never blocks: what does not fit is found by the next sweep, or at the next start.
func notify(ch chan string, id string) {
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

// automatic lists the enabled jobs in automatic mode.
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

// parameters gives a job's parameters with what the endpoint may know in clear.
// The built-in runner needs none but those of a command: it trusts the dispatcher,
// and notifications are sent from the job itself.
func (c *jobCache) parameters(j *job) (*events.Parameters, error) {
	j.once.Do(func() {
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
