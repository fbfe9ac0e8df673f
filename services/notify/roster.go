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

// roster is the jobs that want that.
type roster struct {
	mu    sync.Mutex
	all   map[string]*watched // nil: a job that there is, and that does not want it
	stale map[string]bool     // jobs whose states are to be forgotten
}

func newRoster() *roster {
	return &roster{all: map[string]*watched{}, stale: map[string]bool{}}
}

// apply takes one revision in; the feed calls it.
func (r *roster) apply(rev jet.JobRevision) {
	job := rev.Event.Job
	w := read(job)
	r.mu.Lock()
	defer r.mu.Unlock()
	old := r.all[job.ID]
	switch {
	case rev.Gone():
		delete(r.all, job.ID)
		r.stale[job.ID] = true
		return
	case w == nil && old != nil:
		r.stale[job.ID] = true
	}
	r.all[job.ID] = w
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
func (r *roster) find(id string) (w *watched, known bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w, known = r.all[id]
	return w, known
}

// list gives all that want to be told.
func (r *roster) list() (list []*watched) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, w := range r.all {
		if w != nil {
			list = append(list, w)
		}
	}
	return list
}

// takeStale gives the jobs whose states are to be forgotten, once.
func (r *roster) takeStale() (list []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id := range r.stale {
		if r.all[id] == nil { // else it wants to be told again
			list = append(list, id)
		}
	}
	clear(r.stale)
	return list
}

func tagsOf(p *events.Parameters) (tags []string) {
	raw, ok := p.Settings.Get("tags")
	if ok {
		_ = json.Unmarshal(raw, &tags) // they have been checked
	}
	return tags
}
