package watcher

import (
	"context"
	"slices"
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
		Reason: reason, Pending: pending, OldestPending: oldest.UTC(), Unmarked: f.unmarked, LastScan: f.scanned.UTC(),
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

// reported is what was last published of a folder.
type reported struct {
	state events.WatchState
	at    time.Time
}

// report publishes the states of all folders until ctx ends.
func (w *Watcher) report(ctx context.Context) {
	last := map[string]reported{}
	tick := time.NewTicker(reportEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			w.reportNews(ctx, last, time.Now())
		}
	}
}

// reportNews publishes what differs from the last report, or is older than
// reportAnyway. What cannot be published now is news again at the next tick.
func (w *Watcher) reportNews(ctx context.Context, last map[string]reported, now time.Time) {
	there := map[string]bool{}
	var news []events.WatchState
	for _, state := range w.states() {
		there[state.JobID] = true
		old := last[state.JobID]
		old.state.LastScan = state.LastScan // alone it is no news
		if state.State != "" && (state != old.state || now.Sub(old.at) >= reportAnyway) {
			news = append(news, state)
		}
	}
	for id := range last {
		if !there[id] {
			delete(last, id)
		}
	}
	for batch := range slices.Chunk(news, maxBatch) {
		var messages []jet.Message
		for _, s := range batch {
			messages = append(messages, jet.Message{Subject: events.StateSubject("watch", s.JobID), Data: events.Encode(s)})
		}
		if _, err := w.cfg.Bus.Commit(ctx, events.StreamState, messages...); err != nil {
			return
		}
		for _, s := range batch {
			last[s.JobID] = reported{s, now}
		}
	}
}
