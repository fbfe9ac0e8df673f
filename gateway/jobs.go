package gateway

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/gateway/index"
	"spool.internal/gateway/pack"
)

// refreshWait is how long a listing waits for the cache to catch up.
const refreshWait = 5 * time.Second

// jobs is the gateway's cache of all jobs, without their sealed secrets. They are packed, for few
// of many are looked at.
type jobs struct {
	feed   *jet.JobFeed
	gone   func(id string) // called with every deletion; must not block
	owners *owners         // sees every revision
	index  *index.Index    // likewise

	samples *pack.Samples

	mu    sync.RWMutex
	byID  map[string]kept
	order []place // oldest first, only added to once it is made; nil = make it anew
}

// place is where a job stands in a listing.
type place struct {
	createdNS int64
	id, owner string
}

func (p place) compare(q place) int {
	return cmp.Or(cmp.Compare(p.createdNS, q.createdNS), cmp.Compare(p.id, q.id))
}

func newJobs(gone func(id string), o *owners, x *index.Index) *jobs {
	return &jobs{gone: gone, owners: o, index: x, samples: pack.New(), byID: map[string]kept{}}
}

// apply takes one revision in; the feed calls it.
func (j *jobs) apply(rev events.JobRevision) {
	j.owners.apply(rev)
	j.index.Apply(rev)
	job := rev.Event.Job
	var packed kept
	if rev.Gone() {
		defer j.gone(job.ID)
	} else {
		packed = j.keep(job)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	_, known := j.byID[job.ID]
	if rev.Gone() {
		if delete(j.byID, job.ID); known {
			j.order = nil
		}
		return
	}
	if j.byID[job.ID] = packed; !known {
		j.order = behind(j.order, packed.place(job.ID))
	}
}

// behind adds a new job to an order, which is to be made anew where it does not belong at the end.
func behind(order []place, p place) []place {
	if order == nil || len(order) > 0 && order[len(order)-1].compare(p) > 0 {
		return nil
	}
	return append(order, p) // who reads the order does not see more than there was
}

// Refresh blocks until the cache includes every change acknowledged before the call.
func (j *jobs) Refresh(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, refreshWait)
	defer cancel()
	_, err := j.feed.Barrier(ctx)
	if events.CodeOf(err) == "" && errors.Is(err, context.DeadlineExceeded) {
		return events.Faultf(events.Unavailable, "", "the jobs are not up to date yet: try again")
	}
	return err
}

// Job finds one job.
func (j *jobs) Job(id string) (events.Job, bool) {
	j.mu.RLock()
	packed, ok := j.byID[id]
	j.mu.RUnlock()
	if !ok {
		return events.Job{}, false
	}
	return j.unpack(id, packed)
}

// known reports whether there is a job.
func (j *jobs) known(id string) bool {
	j.mu.RLock()
	defer j.mu.RUnlock()
	_, ok := j.byID[id]
	return ok
}

// holds reports whether failures may disable a job.
func (j *jobs) holds(id string) bool {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.byID[id].holds
}

// held gives the jobs that failures may disable.
func (j *jobs) held() (ids []string) {
	j.mu.RLock()
	defer j.mu.RUnlock()
	for id, packed := range j.byID {
		if packed.holds {
			ids = append(ids, id)
		}
	}
	return ids
}

// Oldest yields the jobs of one owner ("" = everybody's) that were created
// after a place, oldest first. Jobs that are deleted meanwhile are left out.
func (j *jobs) Oldest(owner string, createdNS int64, id string) iter.Seq[events.Job] {
	return func(yield func(events.Job) bool) {
		order := j.sorted()
		after := place{createdNS: createdNS, id: id}
		i, exact := slices.BinarySearchFunc(order, after, place.compare)
		if exact {
			i++
		}
		for _, p := range order[i:] {
			if owner != "" && owner != p.owner {
				continue
			}
			if job, ok := j.Job(p.id); ok && !yield(job) {
				return
			}
		}
	}
}

// sorted gives the order of the jobs as they are now.
func (j *jobs) sorted() []place {
	j.mu.RLock()
	order := j.order
	j.mu.RUnlock()
	if order != nil {
		return order
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.order == nil {
		j.order = make([]place, 0, len(j.byID))
		for id, packed := range j.byID {
			j.order = append(j.order, packed.place(id))
		}
		slices.SortFunc(j.order, place.compare)
	}
	return j.order
}
