package watcher

import (
	"context"
	"maps"
	"path"
	"time"

	"spool.internal/events"
	"spool.internal/events/wait"
)

// When requests to run files again are looked for: after a hint, which can come before the request is stored, and
// whether or not one came.
const (
	rerunsSoon  = 20 * time.Millisecond
	rerunsEvery = 10 * time.Second
)

// followReruns passes requests to run files again to their folders, until ctx ends.
func (w *Watcher) followReruns(ctx context.Context) {
	some := wait.NewWake()
	tick := time.NewTicker(rerunsEvery)
	defer tick.Stop()
	soon := time.NewTimer(0)
	defer soon.Stop()
	listening := false
	for last := uint64(0); ; {
		if !listening {
			listening = w.cfg.Bus.Reruns("").Hint(func(string) { some.Set() }) == nil
		}
		last, _ = w.cfg.Bus.RerunsAfter(ctx, last, w.rerun) // the next tick tries again
		select {
		case <-some:
			soon.Reset(rerunsSoon)
		case <-soon.C:
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// rerun notes one request: from now on the file at the path counts as another.
func (w *Watcher) rerun(a events.Rerun) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.generations[a.JobID] == nil {
		w.generations[a.JobID] = map[string]string{}
	}
	w.generations[a.JobID][a.Path()] = a.Generation
	if f := w.folders[a.JobID]; f != nil {
		if f = f.find(a.Path()); f != nil {
			f.rerun(a.Path(), a.Generation)
		}
	}
}

// rerun has the file at a path looked at as one that is not known.
func (f *folder) rerun(path, generation string) {
	f.requests.rerun(path, generation)
	f.wake()
}

// rerun has files looked at again as ones that are not known.
func (k *work) rerun(reruns map[string]string) {
	if k.generations == nil && len(reruns) > 0 {
		k.generations = map[string]string{}
	}
	maps.Copy(k.generations, reruns)
	for p := range reruns {
		name := path.Base(p)
		k.forget(name)
		k.hinted = append(k.hinted, name)
	}
}
