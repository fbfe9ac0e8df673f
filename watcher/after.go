package watcher

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"sync"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/events/wait"
	"spool.internal/watcher/stage"
)

// How often something that cannot be done with a file now is tried again.
const (
	afterBusy     = time.Second      // a program writes it
	afterFault    = 30 * time.Second // its folder, or its destination, cannot be had
	endingsInHand = 64               // files in progress

	afterElsewhere = 2 * time.Second // its folder is not here: another watcher is to take it
)

// ending is how the run of one file ended, or its call where runs are not tracked.
type ending struct {
	jobID, run  string
	path        string // below the folder of the job; empty where the event does not say
	stage       string // logical; the name of its file stands in for a missing path
	fingerprint string
	ok          bool
	why         string // the sentence and the last lines
	at          time.Time
}

// followEndings does with originals what their jobs say, when their runs have ended, until ctx ends. What waits is a
// pending message of a durable consumer: a kill leaves it there, and doing it again does nothing (see [relocation]).
func (w *Watcher) followEndings(ctx context.Context) {
	select {
	case <-w.loaded:
	case <-ctx.Done():
		return
	}
	queue := func(q jet.Queue) jet.Queue {
		q.FromNow = true
		return q
	}
	var all sync.WaitGroup
	for _, e := range w.enders() {
		name := e.queue
		all.Go(func() {
			w.consumeEndings(ctx, queue(w.cfg.Bus.Results("").Queue(name, 1000)), endingOfResult, e)
		})
		all.Go(func() {
			w.consumeEndings(ctx, queue(w.cfg.Bus.Runs(events.Ended, "").Queue(name, 1000)), endingOfRun, e)
		})
	}
	all.Wait()
}

// ender is a queue of endings, and which of them are for whoever takes one off it.
type ender struct {
	queue string
	local bool // those of files on drives of this machine alone; else the others
}

// enders are the queues that this watcher works off: one that all watchers share, and with a place one of
// its own, where a file waits for its machine.
func (w *Watcher) enders() []ender {
	all := []ender{{queue: "watcher-after"}}
	if place := w.cfg.Drives.Place(); place != "" {
		all = append(all, ender{"watcher-after-" + place, true})
	}
	return all
}

// whose says what is to be done with an ending: it is for this watcher, for another that takes it off this
// queue, or neither. What the shared queue held of a drive of this machine alone before there was a queue
// for it is done, too: doing it twice does nothing.
func (w *Watcher) whose(e ending, q ender, stored time.Time) (ours, others bool) {
	w.mu.Lock()
	f, away := w.folders[e.jobID], w.elsewhere[e.jobID]
	w.mu.Unlock()
	switch {
	case q.local:
		return f != nil && f.task.place != "", false
	case f != nil:
		return f.task.place == "" || stored.Before(w.started), false
	case away != nil && away.task.after.Any():
		return false, w.sharedElsewhere(away.task.path)
	}
	return false, false
}

// asks reports whether a job that is known here asks for something to be done after its runs.
func (w *Watcher) asks(jobID string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	f, away := w.folders[jobID], w.elsewhere[jobID]
	return f != nil && f.task.after.Any() || away != nil && away.task.after.Any()
}

// consumeEndings handles the endings of one stream.
func (w *Watcher) consumeEndings(ctx context.Context, q jet.Queue, read func(*jet.Delivery) (ending, bool), from ender) {
	for warned := false; ctx.Err() == nil; {
		err := w.cfg.Bus.Pull(ctx, q, endingsInHand, func(d *jet.Delivery) {
			e, ok := ending{}, w.asks(d.AboutJob()) // most jobs do not: their endings need not be read
			if ok {
				e, ok = read(d)
			}
			if !ok {
				_ = d.Ack() // when it fails the message comes again
				return
			}
			ours, others := w.whose(e, from, d.Time)
			if others {
				_ = d.Nak(afterElsewhere)
				return
			}
			if !ours {
				_ = d.Ack() // when it fails the message comes again
				return
			}
			wait, err := w.concludeFile(ctx, e)
			if err != nil {
				w.cfg.Log.Warn("a file stays where it is for now", "job_id", e.jobID, "file", e.path, "error", err.Error())
			}
			if wait > 0 {
				_ = d.Nak(wait)
				return
			}
			_ = d.Ack()
		})
		if err == nil || ctx.Err() != nil {
			continue
		}
		if !warned {
			w.cfg.Log.Warn("ends of runs cannot be followed now: files stay where they are", "error", err.Error())
			warned = true
		}
		_ = wait.Sleep(ctx, time.Second) // the loop sees that ctx has ended
	}
}

// endingOfRun reads the end of a run that a file led to by itself.
func endingOfRun(m *jet.Delivery) (ending, bool) {
	ev, err := m.RunEvent()
	if err != nil {
		return ending{}, false
	}
	fingerprint, ok := strings.CutPrefix(ev.TriggerID, events.FileTriggerID(ev.JobID, ""))
	e := ending{
		jobID: ev.JobID, run: ev.FlowJobID, fingerprint: fingerprint, stage: ev.InputDir,
		ok: ev.Status == events.OK, why: ev.Message, at: ev.At,
	}
	if ev.File != nil {
		e.path = ev.File.RawPath()
	}
	return e, ok
}

// endingOfResult reads the result of a call after which no event follows: one that failed, or that was accepted by an
// endpoint whose runs are not tracked.
func endingOfResult(m *jet.Delivery) (ending, bool) {
	r, err := m.Result()
	if err != nil || r.Kind != events.KindFile || r.File == nil {
		return ending{}, false
	}
	why := r.Why
	if why == "" {
		why = r.HTTP.Response
	}
	return ending{
		jobID: r.JobID, run: r.FlowJobID, path: r.File.RawPath(), fingerprint: r.File.Fingerprint,
		ok: r.Status == events.OK, why: why, at: time.Unix(0, r.EndedNS),
	}, r.Status == events.ERROR || r.Outcome == events.OutcomeCalled
}

// concludeFile does with the original what its job says. It returns after how long to try again; 0 = done.
func (w *Watcher) concludeFile(ctx context.Context, e ending) (wait time.Duration, err error) {
	w.mu.Lock()
	f := w.folders[e.jobID]
	w.mu.Unlock()
	if f == nil || !f.task.after.Any() {
		return 0, nil
	}
	if e.path == "" {
		e.path = stage.FileIn(w.cfg.Drives, e.stage)
	}
	if e.path == "" {
		return 0, nil
	}
	w.mu.Lock()
	generation := w.generations[e.jobID][e.path]
	w.mu.Unlock()
	do := f.task.after.OK
	if !e.ok {
		do = f.task.after.Failed
	}
	if do == (events.Afterwards{}) {
		return 0, nil
	}
	if to := w.watching(do.Move); to != "" {
		return afterFault, fmt.Errorf("%s lies in the folder that job %s watches: choose another for spool.after", do.Move, to)
	}
	r := &relocation{w: w, task: f.task, ending: e, generation: generation, do: do}
	switch err = r.perform(ctx); {
	case err == nil, ctx.Err() != nil:
		return 0, nil
	case errors.Is(err, stage.ErrWriter):
		return afterBusy, nil
	default:
		return afterFault, err
	}
}

// watching returns the job that watches a folder, or one that it lies in.
func (w *Watcher) watching(to events.Path) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, f := range w.folders {
		if to != (events.Path{}) && to.Within(f.task.path) && (f.task.watch.Recursive || to == f.task.path) {
			return id
		}
	}
	return ""
}

// whyText is the text that is written beside a file whose run failed.
func (e ending) whyText() string {
	return fmt.Sprintf("%s\n\nfile: %s\nrun:  %s\njob:  %s\nat:   %s\n", strings.TrimSpace(e.why), path.Base(e.path), e.run, e.jobID, e.at.UTC().Format(time.RFC3339))
}
