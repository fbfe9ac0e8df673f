package notify

import (
	"bytes"
	"encoding/json"
	"sync"
	"time"

	"spool.internal/events"
)

// watched is a job that asks for notifications of its state.
type watched struct {
	events.Job
	p *events.Plan
}

// jobIndex is an index of the jobs that ask for notifications of their state. The job feed writes it.
type jobIndex struct {
	zone *time.Location // of jobs that name none

	mu    sync.Mutex
	all   map[string]*watched // nil: the job exists and does not ask
	stale map[string]bool     // jobs whose states must be deleted
}

func newJobIndex(zone *time.Location) *jobIndex {
	return &jobIndex{zone: zone, all: map[string]*watched{}, stale: map[string]bool{}}
}

// apply stores one revision; the job feed calls it.
func (x *jobIndex) apply(rev events.JobRevision) {
	job := rev.Event.Job
	w := read(job, x.zone)
	x.mu.Lock()
	defer x.mu.Unlock()
	old := x.all[job.ID]
	switch {
	case rev.Gone():
		delete(x.all, job.ID)
		x.stale[job.ID] = true
		return
	case w == nil && old != nil:
		x.stale[job.ID] = true
	}
	x.all[job.ID] = w
}

// read returns the job if it asks for notifications, else nil.
func read(job events.Job, zone *time.Location) *watched {
	if !bytes.Contains(job.Parameters, []byte(`"notify"`)) {
		return nil
	}
	p, err := job.Plan(zone)
	if err != nil || !p.Options.Notify.Asked() {
		return nil // the dispatcher reports a job that cannot be read
	}
	job.Secrets, job.Sums = nil, nil
	return &watched{job, p}
}

// find returns a job that asks for notifications, and whether the job is known at all.
func (x *jobIndex) find(id string) (w *watched, known bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	w, known = x.all[id]
	return w, known
}

// list returns all jobs that ask for notifications.
func (x *jobIndex) list() (list []*watched) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, w := range x.all {
		if w != nil {
			list = append(list, w)
		}
	}
	return list
}

// takeStale returns the jobs whose states must be deleted, once.
func (x *jobIndex) takeStale() (list []string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for id := range x.stale {
		if x.all[id] == nil { // else it asks again
			list = append(list, id)
		}
	}
	clear(x.stale)
	return list
}

// tagsOf returns settings.tags of a job.
func tagsOf(p *events.Parameters) (tags []string) {
	raw, ok := p.Settings.Get("tags")
	if ok {
		_ = json.Unmarshal(raw, &tags) // they have been checked
	}
	return tags
}
