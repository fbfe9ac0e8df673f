package watcher

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/events/location"
	"spool.internal/events/wait"
)

// What is remembered of runs that share their output folders.
const (
	spanSlack = 20 * time.Millisecond // two ticks of the coarsest clock of a local file system
	farSlack  = 2 * time.Second       // between the clocks of a server of files and of the runner
	spanFor   = time.Hour             // after the end of the last run
	maxSpans  = 64                    // for each folder
	maxShared = 10_000                // folders
)

// span is a time in which runs with one chain wrote into one folder, or placed their outputs there.
type span struct {
	at      location.Location
	chain   []string // of the files
	from    time.Time
	to      time.Time // when the last has ended
	running map[string]bool
}

func (s *span) covers(changed time.Time, slack time.Duration) bool {
	return !changed.Before(s.from.Add(-slack)) && (len(s.running) > 0 || !changed.After(s.to.Add(slack)))
}

// origins remembers which runs wrote into output folders that runs share, or placed their outputs there: in such a folder
// the name of a file does not show which run wrote it. It is safe for concurrent use.
type origins struct {
	host func(events.Path) string
	away func(ev events.RunEvent, out events.Path) bool // the run writes into a folder of another machine; nil = none does

	mu      sync.Mutex
	folders map[string][]*span // by the place of the folder
	running map[string]*span   // by flow job id
}

func newOrigins(host func(events.Path) string) *origins {
	return &origins{host: host, folders: map[string][]*span{}, running: map[string]*span{}}
}

// follow records runs until ctx ends, beginning an hour ago.
func (o *origins) follow(ctx context.Context, bus *jet.Bus) {
	runs := bus.Runs(events.Accepted, "").And(bus.Runs(events.Started, ""), bus.Runs(events.Ended, ""))
	for ctx.Err() == nil {
		from, after := jet.Newest, uint64(0)
		err := bus.Runs("", "").Since(ctx, time.Now().Add(-spanFor), func(m jet.Entry[events.RunEvent]) bool {
			from, after = jet.Beginning, m.Sequence-1
			return false
		})
		switch {
		case err != nil:
		case after > 0:
			err = runs.FollowAfter(ctx, after, o.record)
		default:
			err = runs.Follow(ctx, from, o.record)
		}
		if err != nil && ctx.Err() == nil {
			_ = wait.Sleep(ctx, time.Second)
		}
	}
}

// record notes one event of a run. For a run of another endpoint there is no event of its start.
func (o *origins) record(m jet.Entry[events.RunEvent]) {
	ev, err := m.Value()
	if err != nil {
		return
	}
	out, placed := ev.PlacedIn()
	if !placed && strings.Contains(ev.OutputFolder, ev.FlowJobID) {
		return // a folder of its own is found by its name
	}
	switch {
	case ev.Phase == events.Started, ev.Phase == events.Accepted && m.IsTracked():
		if !placed {
			if out, err = events.ParsePath("output_folder", ev.OutputFolder); err != nil {
				return
			}
		}
		if o.away != nil && o.away(ev, out) {
			return
		}
		at, err := location.Of(o.host(out))
		if err != nil {
			return
		}
		o.began(at, ev)
	case ev.Phase == events.Ended:
		o.ended(ev)
	}
}

func (o *origins) began(at location.Location, ev events.RunEvent) {
	chain := events.Next(ev.Chain, ev.JobID)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.running[ev.FlowJobID] != nil {
		return // another attempt
	}
	spans := slices.DeleteFunc(o.folders[at.Key()], func(s *span) bool {
		return len(s.running) == 0 && ev.At.Sub(s.to) > spanFor
	})
	i := slices.IndexFunc(spans, func(s *span) bool {
		return slices.Equal(s.chain, chain) && s.covers(ev.At, spanSlack)
	})
	if i < 0 {
		if len(spans) == maxSpans {
			spans = spans[1:]
		}
		i = len(spans)
		spans = append(spans, &span{at: at, chain: chain, from: ev.At, running: map[string]bool{}})
	}
	spans[i].running[ev.FlowJobID] = true
	o.running[ev.FlowJobID] = spans[i]
	if len(o.folders) >= maxShared && o.folders[at.Key()] == nil {
		o.forget(ev.At)
	}
	o.folders[at.Key()] = spans
}

func (o *origins) ended(ev events.RunEvent) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if s := o.running[ev.FlowJobID]; s != nil {
		delete(s.running, ev.FlowJobID)
		delete(o.running, ev.FlowJobID)
		if ev.At.After(s.to) {
			s.to = ev.At
		}
	}
}

// forget drops the folders in which nothing has run for a while; if that is not enough, any.
func (o *origins) forget(now time.Time) {
	for key, spans := range o.folders {
		if !slices.ContainsFunc(spans, func(s *span) bool { return len(s.running) > 0 || now.Sub(s.to) < spanFor }) {
			delete(o.folders, key)
		}
	}
	for key := range o.folders {
		if len(o.folders) < maxShared {
			return
		}
		delete(o.folders, key)
	}
}

// of returns the runs whose output folder is a place, or above it, and that were running when a file there changed.
func (o *origins) of(p location.Location, changed time.Time, slack time.Duration) (all []*span) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.folders) == 0 {
		return nil
	}
	for {
		for _, s := range o.folders[p.Key()] {
			if s.covers(changed, slack) {
				all = append(all, s)
			}
		}
		if p.Depth() == 0 {
			return all
		}
		p = p.Up(1)
	}
}
