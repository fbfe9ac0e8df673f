package watcher

import (
	"context"
	"maps"
	"path"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// When requests to run files again are looked for: after a hint, which can come
// before what it is about is stored, and whether or not one came.
const (
	askSoon  = 20 * time.Millisecond
	askAgain = 10 * time.Second
)

// hearAgain takes in requests to run files again, until ctx ends.
func (w *Watcher) hearAgain(ctx context.Context) {
	some := make(chan struct{}, 1)
	hint := func(string) {
		select {
		case some <- struct{}{}:
		default:
		}
	}
	tick := time.NewTicker(askAgain)
	defer tick.Stop()
	soon := time.NewTimer(0)
	defer soon.Stop()
	listening := false
	for last := uint64(0); ; {
		if !listening {
			listening = w.cfg.Bus.Hint(events.AllAgain, hint) == nil
		}
		last, _ = w.cfg.Bus.Agains(ctx, last, w.again) // the next tick tries again
		select {
		case <-some:
			soon.Reset(askSoon)
		case <-soon.C:
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// again takes in one request: from now on the file at the path is another.
func (w *Watcher) again(a jet.Again) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.generations[a.JobID] == nil {
		w.generations[a.JobID] = map[string]string{}
	}
	w.generations[a.JobID][a.Path()] = a.Generation
	if f := w.folders[a.JobID]; f != nil {
		if f = f.at(a.Path()); f != nil {
			f.again(a.Path(), a.Generation)
		}
	}
}

// again has a worker of the folder look at the file at a path as one that is not known.
func (f *folder) again(path, generation string) {
	f.requests.rerun(path, generation)
	f.wake()
}

// renew takes in the requests that came since the last turn.
func (f *folder) renew(again map[string]string) {
	if f.generations == nil && len(again) > 0 {
		f.generations = map[string]string{}
	}
	maps.Copy(f.generations, again)
	for p := range again {
		name := path.Base(p)
		f.forget(name)
		f.hinted = append(f.hinted, name)
	}
}
