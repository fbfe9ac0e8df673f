package gateway

import (
	"context"
	"slices"
	"sync"
	"time"
	"unique"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// countEvery is how long a count of queued triggers is used; what this gateway
// has queued since is added.
const countEvery = time.Second

// owners keeps what each owner has who is no administrator, and holds it to the
// quota. What this gateway stores counts from before it is stored, so one
// gateway holds a quota exactly; several exceed it by what the others have
// stored and their feeds have not brought yet. It is safe for concurrent use.
type owners struct {
	bus   *jet.Bus
	quota events.Quota

	mu   sync.Mutex
	jobs map[string]taken  // by job id
	has  map[string]*taken // by owner; seq means nothing

	coming map[string][]*taken // by job id: what is being stored, which counts already

	counted time.Time
	queued  map[string]int // by owner: triggers when they were counted, and since
}

// taken is what a job takes up, or all jobs of an owner.
type taken struct {
	owner string
	seq   uint64
	jobs  int
	bytes int64
}

func newOwners(bus *jet.Bus, q events.Quota) *owners {
	return &owners{bus: bus, quota: q.WithDefaults(), jobs: map[string]taken{}, has: map[string]*taken{}, coming: map[string][]*taken{}}
}

// start finds out what the default of bytes is here.
func (o *owners) start(ctx context.Context) error {
	if o.quota.Bytes != 0 {
		return nil
	}
	n, err := o.bus.JobsBound(ctx)
	if err == nil {
		o.quota.Bytes = n / 4
	}
	return err
}

// apply takes one revision in, from the feed or from the change that stored it.
func (o *owners) apply(rev events.JobRevision) {
	o.mu.Lock()
	defer o.mu.Unlock()
	job := rev.Event.Job
	old, known := o.jobs[job.ID]
	if known && rev.Seq <= old.seq && !rev.Gone() {
		return
	}
	for _, c := range o.coming[job.ID] { // it is this, or will find that it comes too late
		o.release(job.ID, c)
	}
	if known {
		o.add(old.owner, -old.jobs, -old.bytes)
		delete(o.jobs, job.ID)
	}
	if rev.Gone() || job.ByAdmin() {
		return
	}
	o.jobs[job.ID] = taken{unique.Make(job.Username).Value(), rev.Seq, 1, rev.Bytes()}
	o.add(job.Username, 1, rev.Bytes())
}

// add changes what an owner has; o is locked.
func (o *owners) add(owner string, jobs int, bytes int64) {
	t := o.has[owner]
	if t == nil {
		t = &taken{owner: owner}
		o.has[owner] = t
	}
	t.jobs += jobs
	t.bytes += bytes
	if t.jobs == 0 && t.bytes == 0 {
		delete(o.has, owner)
	}
}

// release takes back what counts while it is being stored, once; o is locked.
func (o *owners) release(jobID string, c *taken) {
	left := slices.DeleteFunc(slices.Clone(o.coming[jobID]), func(other *taken) bool { return other == c })
	if len(left) == len(o.coming[jobID]) {
		return
	}
	if o.coming[jobID] = left; len(left) == 0 {
		delete(o.coming, jobID)
	}
	o.add(c.owner, -c.jobs, -c.bytes)
}

// Charge makes sure that an owner may have so much more for a job, which counts
// until settle says what came of it, or the feed brings it.
func (o *owners) Charge(owner, jobID string, jobs int, bytes int64) (settle func(events.JobRevision, error), err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var has taken
	if t := o.has[owner]; t != nil {
		has = *t
	}
	if q := o.quota.Jobs; q >= 0 && jobs > 0 && has.jobs+jobs > q {
		return nil, events.Faultf(events.Forbidden, "",
			"the quota of %d jobs of %s is used up: delete some, or ask an administrator for more (--quota jobs)", q, owner)
	}
	if q := o.quota.Bytes; q >= 0 && has.bytes+bytes > q {
		return nil, events.Faultf(events.Forbidden, "",
			"the quota of %d bytes that the jobs of %s may take up, with their history, is used up: delete some, or ask an administrator for more (--quota bytes)", q, owner)
	}
	c := &taken{owner: owner, jobs: jobs, bytes: bytes}
	o.coming[jobID] = append(o.coming[jobID], c)
	o.add(owner, jobs, bytes)
	return func(rev events.JobRevision, err error) {
		if err == nil {
			o.apply(rev)
		}
		o.mu.Lock()
		defer o.mu.Unlock()
		o.release(jobID, c)
	}, nil
}

// Enqueue makes sure that one more trigger of an owner may wait.
func (o *owners) Enqueue(ctx context.Context, owner string) error {
	if o.quota.Queued < 0 {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if time.Since(o.counted) > countEvery {
		counts, err := o.bus.Triggers(events.KindManual, "").And(o.bus.Triggers(events.KindRetry, "")).CountByJob(ctx)
		if err != nil {
			return err
		}
		o.queued, o.counted = map[string]int{}, time.Now()
		for id, n := range counts {
			if t, ok := o.jobs[id]; ok {
				o.queued[t.owner] += n
			}
		}
	}
	if o.queued[owner] >= o.quota.Queued {
		return events.Faultf(events.Full, "",
			"the quota of %d triggers of %s that may wait is used up: try again when some have been called for", o.quota.Queued, owner)
	}
	o.queued[owner]++
	return nil
}
