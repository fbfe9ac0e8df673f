package notify

import (
	"bytes"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"spool.internal/events"
)

// watched is a job that asks for notifications of its state.
type watched struct {
	events.Job
	p *events.Plan
}

// jobIndex is an index of the jobs that ask for notifications. The job feed writes it.
type jobIndex struct {
	zone *time.Location // of jobs that name none

	mu    sync.Mutex
	all   map[string]indexed
	stale map[string]bool // jobs whose states must be deleted
}

// indexed is what is known of a job.
type indexed struct {
	*watched      // nil: it does not ask for notifications of its state
	names    bool // somebody who may have to be told of anything
}

func newJobIndex(zone *time.Location) *jobIndex {
	return &jobIndex{zone: zone, all: map[string]indexed{}, stale: map[string]bool{}}
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
	case w == nil && old.watched != nil:
		x.stale[job.ID] = true
	}
	x.all[job.ID] = indexed{w, mayHave(job.Parameters, "notify", "heartbeat", "webhook_config", "notification_emails")}
}

// mayHave reports whether an object has one of the keys, at any depth. Where something is escaped nobody knows.
func mayHave(object []byte, keys ...string) bool {
	return bytes.Contains(object, []byte(`\u`)) ||
		slices.ContainsFunc(keys, func(key string) bool { return bytes.Contains(object, []byte(`"`+key+`"`)) })
}

// read returns the job if it asks for notifications, else nil.
func read(job events.Job, zone *time.Location) *watched {
	if !mayHave(job.Parameters, "notify") {
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
	found, known := x.all[id]
	return found.watched, known
}

// silent reports whether a job is known, and names nobody who may have to be told of anything.
func (x *jobIndex) silent(id string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	found, known := x.all[id]
	return known && !found.names
}

// list returns all jobs that ask for notifications.
func (x *jobIndex) list() (list []*watched) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, one := range x.all {
		if one.watched != nil {
			list = append(list, one.watched)
		}
	}
	return list
}

// takeStale returns the jobs whose states must be deleted, once.
func (x *jobIndex) takeStale() (list []string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for id := range x.stale {
		if x.all[id].watched == nil { // else it asks again
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
