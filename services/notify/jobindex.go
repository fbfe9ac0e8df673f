package notify

import (
	"bytes"
	"encoding/json"
	"sync"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// watched is a job that wants its changes of state to be told.
type watched struct {
	events.Job
	p *events.Parameters
}

// jobIndex is the jobs that want that.
type jobIndex struct {
	mu    sync.Mutex
	all   map[string]*watched // nil: a job that there is, and that does not want it
	stale map[string]bool     // jobs whose states are to be forgotten
}

func newJobIndex() *jobIndex {
	return &jobIndex{all: map[string]*watched{}, stale: map[string]bool{}}
}

// apply takes one revision in; the feed calls it.
func (x *jobIndex) apply(rev jet.JobRevision) {
	job := rev.Event.Job
	w := read(job)
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

// read gives the job if it wants to be told.
func read(job events.Job) *watched {
	if !bytes.Contains(job.Parameters, []byte(`"notify"`)) {
		return nil
	}
	p, err := events.ParseParameters(job.Parameters)
	if err != nil || !p.Options.Notify.Asked() {
		return nil // the dispatcher says of a job that it cannot be read
	}
	job.Secrets = nil
	return &watched{job, p}
}

// find gives a job that wants to be told, and whether the job is known at all.
func (x *jobIndex) find(id string) (w *watched, known bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	w, known = x.all[id]
	return w, known
}

// list gives all that want to be told.
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

// takeStale gives the jobs whose states are to be forgotten, once.
func (x *jobIndex) takeStale() (list []string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for id := range x.stale {
		if x.all[id] == nil { // else it wants to be told again
			list = append(list, id)
		}
	}
	clear(x.stale)
	return list
}

func tagsOf(p *events.Parameters) (tags []string) {
	raw, ok := p.Settings.Get("tags")
	if ok {
		_ = json.Unmarshal(raw, &tags) // they have been checked
	}
	return tags
}
