package watcher

import (
	"context"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/watcher/settle"
)

// How often the state of a folder is published: at most, and at least.
const (
	reportEvery  = time.Second
	reportAnyway = 10 * time.Minute
)

// shown is what a folder lets others see.
type shown struct {
	mu    sync.Mutex
	state events.WatchState
}

// said is what the log knows of a folder.
type said struct {
	state  settle.State
	reason string
}

func (f *folder) status() events.WatchState {
	f.shown.mu.Lock()
	defer f.shown.mu.Unlock()
	return f.shown.state
}

// show makes the folder's state visible, and says in the log when it has changed.
func (f *folder) show(held error) {
	state, since, reason := f.dir.Status()
	if now := (said{state, reason}); now != f.said {
		f.said = now
		f.say(state, reason)
	}
	pending, oldest := len(f.pending)+f.crowded, time.Time{}
	for _, c := range f.pending {
		if oldest.IsZero() || c.seen.Before(oldest) {
			oldest = c.seen
		}
	}
	if held != nil && pending > 0 && !f.dir.Away() {
		reason = "files wait: " + held.Error()
	}
	f.shown.mu.Lock()
	defer f.shown.mu.Unlock()
	f.shown.state = events.WatchState{
		JobID: f.jobID, State: state.String(), Since: since.UTC(), HostPath: f.host,
		Reason: reason, Pending: pending, OldestPending: oldest.UTC(), LastScan: f.scanned.UTC(),
	}
}

// showHung makes visible that the folder does not answer, on behalf of the
// worker that hangs in it.
func (f *folder) showHung(reason string, since time.Time) {
	f.shown.mu.Lock()
	defer f.shown.mu.Unlock()
	s := &f.shown.state
	if s.State != settle.Blocked.String() {
		s.Since = since.UTC()
	}
	s.JobID, s.HostPath, s.State = f.jobID, f.host, settle.Blocked.String()
	s.Reason = reason + " (looked at " + f.host + ")"
}

func (f *folder) say(s settle.State, reason string) {
	switch log := f.log.With("path", f.host); s {
	case settle.Live:
		log.Info("folder is watched")
	case settle.Poll:
		log.Warn("folder cannot be watched and is polled", "reason", reason)
	case settle.Absent, settle.Blocked:
		log.Warn("folder cannot be read: no file in it is seen", "state", s.String(), "reason", reason)
	default:
		log.Debug("folder is scanned", "state", s.String(), "reason", reason)
	}
}

// report publishes the states of all folders until ctx ends.
func (w *Watcher) report(ctx context.Context) {
	type report struct {
		state events.WatchState
		at    time.Time
	}
	last := map[string]report{}
	tick := time.NewTicker(reportEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now, there := time.Now(), map[string]bool{}
		for _, f := range w.list() {
			state := f.status()
			there[f.jobID] = true
			old := last[f.jobID]
			old.state.LastScan = state.LastScan // alone it is no news
			if state.State == "" || state == old.state && now.Sub(old.at) < reportAnyway {
				continue
			}
			_, err := w.cfg.Bus.Commit(ctx, events.StreamState, jet.Message{
				Subject: events.StateSubject("watch", f.jobID), Data: events.Encode(state),
			})
			if err != nil {
				break // the next tick tries again
			}
			last[f.jobID] = report{state, now}
		}
		for id := range last {
			if !there[id] {
				delete(last, id)
			}
		}
	}
}
