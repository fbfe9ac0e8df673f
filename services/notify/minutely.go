package notify

import (
	"context"
	"fmt"
	"time"

	"github.com/go-co-op/gocron/v2"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// watch checks every minute what did not happen, until ctx ends. Several processes do so side by side: the state that
// is stored first is the one that counts.
func (o *observer) watch(ctx context.Context) {
	if err := everyMinute(ctx, func() { o.check(ctx, time.Now()) }); err != nil {
		o.log.Error("jobs are no longer checked for what did not happen", "error", err.Error())
	}
}

// everyMinute calls f at every whole minute until ctx ends, never twice at a time.
func everyMinute(ctx context.Context, f func()) error {
	clock, err := gocron.NewScheduler(gocron.WithLocation(time.UTC))
	if err == nil {
		_, err = clock.NewJob(gocron.CronJob("* * * * *", false), gocron.NewTask(f),
			gocron.WithSingletonMode(gocron.LimitModeReschedule), gocron.WithName("states"))
	}
	if err != nil {
		return fmt.Errorf("gocron: %w", err)
	}
	clock.Start()
	<-ctx.Done()
	return clock.Shutdown()
}

// check finds out what has not happened by now, and stores the states that follow.
func (o *observer) check(ctx context.Context, now time.Time) {
	err := o.forgetStale(ctx)
	if err == nil && o.daily != nil {
		err = o.daily.ask(ctx, o.bus, now)
	}
	if _, behind := o.feed.Barrier(ctx); err == nil {
		err = behind
	}
	jobs := o.jobs.list()
	var v *view
	if err == nil {
		v, err = o.read(ctx, jobs)
	}
	for _, w := range jobs {
		if err != nil || ctx.Err() != nil {
			break
		}
		err = o.judge(ctx, w, v, now)
	}
	if err != nil && ctx.Err() == nil {
		o.log.Warn("jobs cannot be checked now for what did not happen", "error", err.Error())
	}
}

// forgetStale deletes the states of jobs that are gone, or no longer ask for notifications.
func (o *observer) forgetStale(ctx context.Context) error {
	for _, id := range o.jobs.takeStale() {
		if err := o.bus.ForgetConditions(ctx, id); err != nil {
			return err
		}
		delete(o.answered, id)
	}
	return nil
}

// respect is one in which the state of a job is notified.
type respect struct{ jobID, about string }

// view is what is stored of many jobs, read at once.
type view struct {
	states map[respect]events.Notification
	folder map[string]events.WatchState // by job
}

// state returns the stored state of a job in one respect.
func (v *view) state(jobID, about string) events.Notification {
	return v.states[respect{jobID, about}]
}

// read reads the states of jobs, and the reports on their folders.
func (o *observer) read(ctx context.Context, jobs []*watched) (*view, error) {
	v := &view{states: map[respect]events.Notification{}, folder: map[string]events.WatchState{}}
	var states jet.View[events.Notification]
	var folders []string
	for _, w := range jobs {
		for _, about := range events.Respects {
			states = states.And(o.bus.Notifications(w.ID, about))
		}
		if w.p.Spooled {
			folders = append(folders, w.ID)
		}
	}
	err := states.LastEach(ctx, func(m jet.Entry[events.Notification]) {
		if n, err := m.Value(); err == nil { // else it is of another version
			v.states[respect{n.JobID, n.About}] = n
		}
	})
	if err != nil {
		return v, err
	}
	said, err := o.bus.StatesOf(ctx, folders)
	for id, s := range said {
		if s.Watch != nil {
			v.folder[id] = *s.Watch
		}
	}
	return v, err
}

// judge stores what a job is in now that it was not in before.
func (o *observer) judge(ctx context.Context, w *watched, v *view, now time.Time) error {
	if w.Status != events.Enabled {
		if err := o.forgetExpected(ctx, w, v); err != nil {
			return err
		}
		return o.store(ctx, w, v, now, disabledState(w))
	}
	seen := []events.Notification{disabledState(w)}
	if w.p.Spooled {
		s, reported := v.folder[w.ID]
		seen = append(seen, folderState(w, s, reported, now, o.since), holdState(s))
	}
	late, err := o.lateness(ctx, w, v.state(w.ID, events.AboutStart), now)
	if err != nil {
		return err
	}
	return o.store(ctx, w, v, now, append(seen, late)...)
}

// store stores those of the states that have changed.
func (o *observer) store(ctx context.Context, w *watched, v *view, now time.Time, seen ...events.Notification) error {
	for _, n := range seen {
		n.JobID, n.At = w.ID, now
		if _, changes := step(v.state(w.ID, n.About), n); n.State == "" || !changes {
			continue
		}
		if err := move(ctx, o.bus, n); err != nil {
			return err
		}
	}
	return nil
}

// forgetExpected deletes the states that a disabled job cannot be in: nothing is expected of it.
func (o *observer) forgetExpected(ctx context.Context, w *watched, v *view) error {
	for _, about := range []string{events.AboutSlots, events.AboutStart, events.AboutFolder} {
		if v.state(w.ID, about).Well() {
			continue
		}
		if err := o.bus.Notifications(w.ID, about).Clear(ctx); err != nil {
			return err
		}
	}
	return nil
}

// How long a folder may be away, and a watcher silent, before the job is blocked. A watcher reports every 10 minutes at
// least, and its last report is kept for an hour.
const (
	blockedAfter = time.Minute
	silentAfter  = 15 * time.Minute
)

// folderState returns the state that follows from a watcher's report on a folder; "" = none. up is when this process
// began to listen.
func folderState(w *watched, s events.WatchState, reported bool, now, up time.Time) events.Notification {
	n := events.Notification{About: events.AboutFolder, State: events.Recovered}
	switch away := s.State.Away(); {
	case !reported && now.Sub(up) > silentAfter && now.Sub(w.EffectiveFrom) > silentAfter:
		n.State, n.Message = events.Blocked, "no watcher has reported on "+w.p.InputDir.String()+" for an hour"
	case !reported:
		n.State = ""
	case away && now.Sub(s.Since) < blockedAfter:
		n.State = "" // it may last a moment only
	case away:
		n.State, n.Message = events.Blocked, fmt.Sprintf("%s (%s) since %s: %s", w.p.InputDir, s.State, s.Since.UTC().Format(time.RFC3339), s.Reason)
	}
	return n
}

// disabledState returns the state of a job that failures in a row have disabled, until somebody enables it.
func disabledState(w *watched) events.Notification {
	n := events.Notification{About: events.AboutHold}
	switch {
	case w.Status == events.Disabled && w.Disabled != nil && w.Disabled.By == events.HoldAfter:
		n.State, n.Message = events.HeldBack, w.Disabled.Reason
	case w.Status == events.Enabled && !w.p.Spooled:
		n.State = events.Recovered // for a folder, holdState decides
	}
	return n
}

// holdState returns the same for files that are held.
func holdState(s events.WatchState) events.Notification {
	n := events.Notification{About: events.AboutHold, State: events.Recovered}
	switch {
	case s.JobID == "":
		n.State = ""
	case s.Held > 0:
		n.State, n.Message = events.HeldBack, fmt.Sprintf("%d files are held: %s", s.Held, s.Ring)
	}
	return n
}
