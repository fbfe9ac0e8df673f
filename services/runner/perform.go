package runner

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/faultpoint"
	"spool.internal/events/scrub"
	"spool.internal/services/runner/cell"
	"spool.internal/services/runner/denial"
	"spool.internal/services/runner/process"
	"spool.internal/services/runner/record"
)

// errStopped says that this runner stopped a flow because it stops itself.
var errStopped = errors.New("the runner is stopping")

// halt says why a flow was stopped whose run ends with that.
type halt string

func (h halt) Error() string { return string(h) }

// attempt is one try to bring a run to its end.
type attempt struct {
	run      events.Run
	settings settings
	granted  events.Profile // all that its profiles grant
	number   int
	earlier  []events.Attempt // see [events.RunEvent]
	dir      record.Folder
	private  record.Private
	output   *os.Root             // the output folder, as the flow has it
	base     *os.Root             // that of the job, which it lies in; nil: what the flow writes stays where it is
	digest   chan string          // of the file that the run is about; nil where it is about none
	form     cell.Form            // of its room
	offline  bool                 // of its room
	listens  bool                 // likewise
	reach    *reach               // what it may connect to; nil: all, or nothing
	places   []cell.Place         // what it was given
	secrets  []events.SecretValue // of its command, in clear
	masked   *scrub.Scrubber      // of these
	file     string               // the name of the one file in its input, where it is for one
	runlog   *record.Log
	printed  *scrub.Writer // what the flow prints, on its way into the log
	heard    *denial.Heard // what the kernel denied its flow; nil: it does not say
	log      *slog.Logger
}

// perform brings a run to its end; its flow lives no longer than life. Any error
// but errOver means that it has not come there and has to be delivered again, after a
// [notYet] at its time; nothing that perform started is left then.
func (r *Runner) perform(ctx, life context.Context, run events.Run) (over error) {
	a, seq, err := r.next(ctx, run)
	if err != nil || a == nil {
		return err
	}
	defer a.clear()
	if err := r.held(); err != nil {
		return err
	}
	f, err := r.start(life, a)
	if fault, ok := errors.AsType[*events.Error](err); ok {
		return r.conclude(ctx, a, a.ended(time.Time{}, nil, fault.Error()), seq, errors.Is(err, errSuperseded))
	}
	if err != nil {
		return err
	}
	faultpoint.Hit(faultpoint.RunLaunched)
	began := event(events.Started, run, time.Now())
	began.Unmet = append(needNames(r.lacks), needNames(r.missing())...)
	began.Attempt, began.Attempts = a.number, a.earlier
	began.Process = &events.Process{Host: r.reaper.Host, Boot: r.reaper.Boot, PID: f.PID, StartTime: f.StartTime}
	if seq, err = r.claim(ctx, began, seq); err != nil {
		f.Discard()
		return err
	}
	defer func() {
		if _, retried := errors.AsType[notYet](over); over != nil && !retried {
			a.noteStop()
		}
	}()
	faultpoint.Hit(faultpoint.RunStarted)
	r.watch(a, f)
	life, stop := begin(life, f)
	defer stop()
	faultpoint.Hit(faultpoint.RunBegun)
	defer r.keepReach(life, a.reach, f)()
	a.log.Info("run started", "pid", f.PID)
	if limit, whose := r.stepTimeout(a); limit > 0 {
		var cancel context.CancelFunc
		life, cancel = context.WithTimeoutCause(life, limit, halt(fmt.Sprintf("step_timeout: stopped after %s%s", limit, whose)))
		defer cancel()
	}
	life, looked := r.untilLow(life, a)
	defer looked()
	var why error
	if !f.Wait(life) {
		if why = context.Cause(life); !isHalt(why) {
			return errStopped
		}
	}
	faultpoint.Hit(faultpoint.RunOver)
	return r.finish(ctx, a, f, began.At, seq, why)
}

// next gives the attempt that a run needs now, and the sequence of its last event,
// once the one before is proven dead; nil when the run has come to its end without.
func (r *Runner) next(ctx context.Context, run events.Run) (a *attempt, seq uint64, err error) {
	last, seq, err := r.standing(ctx, run)
	if err == nil && last.Phase == events.Ended {
		r.tidyUp(run)
	}
	if err != nil || last.Phase == events.Ended {
		return nil, 0, err
	}
	former := last
	if last.Phase == events.Cancelling {
		if former, _, err = r.bus.RunEvent(ctx, events.Started, run.JobID, run.FlowJobID); err != nil {
			return nil, 0, err
		}
	}
	if former.Process != nil {
		out, err := r.hostPath("output_folder", run.OutputFolder)
		if err == nil {
			err = r.reaper.Reap(ctx, *former.Process, marker(run.FlowJobID, out))
		}
		if err != nil {
			return nil, 0, fmt.Errorf("attempt %d: %w", former.Attempt, err)
		}
		if path, err := record.DropPrivate(r.cfg.DataDir, run.FlowJobID); err != nil {
			r.log.Warn("a private folder of a flow is left", "path", path, "error", err.Error())
		}
		if done, err := r.resumePlacing(ctx, former, last, run, seq); done || err != nil {
			return nil, 0, err
		}
	}
	log := r.logOf(run)
	a = &attempt{run: run, number: former.Attempt, earlier: former.Attempts}
	if former.Phase == events.Started {
		a.earlier = former.AttemptsWith()
	}
	if last.Phase == events.Cancelling {
		return nil, 0, r.end(ctx, a.ended(former.At, nil, last.Message), seq, log)
	}
	if err := backOff(last); err != nil {
		return nil, 0, err
	}
	ends, err := r.standstill(ctx, run, last)
	if err != nil {
		return nil, 0, err
	}
	if ends != "" {
		log.Info("a run is not started any more", "cause", ends)
		return nil, 0, r.end(ctx, a.givenUp(last, ends), seq, log)
	}
	why, err := poison(r.cfg.DataDir, former)
	if err != nil {
		return nil, 0, err
	}
	if why != "" {
		log.Warn("a run is not started again", "cause", why)
		return nil, 0, r.end(ctx, a.ended(former.At, nil, why), seq, log)
	}
	a.number++
	a.log = log.With("attempt", a.number)
	return a, seq, nil
}

// stepTimeout is how long an attempt may take, 0 for as long as it likes, and who
// says so when the job does not.
func (r *Runner) stepTimeout(a *attempt) (limit time.Duration, whose string) {
	if a.settings.timed {
		return a.settings.stepTimeout, ""
	}
	return events.StepTimeoutOf(a.run.Role, r.cfg.StepTimeout), ", the limit of jobs that name none (settings.step_timeout)"
}

func isHalt(err error) bool {
	_, ok := errors.AsType[halt](err)
	return ok
}

// start makes the folders and the log, and gives a process that waits at its
// gate its command. An [events.Error] ends the run; any other fault may pass.
func (r *Runner) start(ctx context.Context, a *attempt) (*process.Flow, error) {
	var err error
	if a.settings, err = storedSettings(a.run); err != nil {
		return nil, err
	}
	if a.granted, err = r.profiles.granted(a.run); err != nil {
		return nil, err
	}
	if err := r.openRun(a); err != nil {
		return nil, err
	}
	if err := r.openSecrets(a); err != nil {
		return nil, err
	}
	if a.form, err = r.formFor(a); err != nil {
		return nil, err
	}
	if a.reach, err = r.newReach(ctx, a); err != nil {
		return nil, err
	}
	if a.private, err = record.NewPrivate(a.dir, a.form.As && !a.form.View); err != nil {
		return nil, err
	}
	if err := a.writePrivate(); err != nil {
		return nil, err
	}
	if err := r.restageFor(ctx, a.run); err != nil {
		return nil, err
	}
	p, err := r.openPlaces(a)
	if err != nil {
		return nil, err
	}
	defer p.close()
	if err := r.inputAsTaken(a.run); err != nil {
		return nil, err
	}
	if p.input >= 0 {
		r.digestInput(a, p.open[p.input])
	}
	if a.run.File != nil {
		if a.file, err = r.theFile(a.run); err != nil {
			return nil, err
		}
	}
	a.places = p.list
	if err := r.cfg.Reserve.Low(p.open[p.output].Stat()); err != nil {
		return nil, fmt.Errorf("%w: %s", errNoRoom, err.Error()) // the run is not at fault: it comes again
	}
	cmd, err := r.commandOf(a, p)
	if err != nil {
		return nil, err
	}
	f, err := r.processFor(ctx, a)
	if err != nil {
		return nil, asNotBegun(err)
	}
	a.printed = a.masked.Writer(a.runlog)
	if err := f.Load(cmd, p.rights(), marker(a.run.FlowJobID, p.list[p.output].Path), a.printed); err != nil {
		f.Discard()
		return nil, err
	}
	return f, nil
}

// openRun opens the folder and the log of a run, which says what its flow is not kept
// from, and what it goes without.
func (r *Runner) openRun(a *attempt) (err error) {
	if a.dir, err = record.Open(r.cfg.DataDir, a.run.FlowJobID); err != nil {
		return err
	}
	if a.runlog, err = record.OpenLog(a.dir, a.number, func() error { return r.cfg.Reserve.Short(a.dir.Root.Stat(".")) }); err != nil {
		return err
	}
	for _, lack := range r.lacks {
		a.runlog.Note("not kept from this flow: %s", lack)
	}
	for _, lack := range r.missing() {
		a.runlog.Note("this flow goes without: %s", lack)
	}
	return nil
}

func (r *Runner) hostPath(field, logical string) (string, error) {
	p, err := events.ParsePath(field, logical)
	if err != nil {
		return "", err
	}
	return r.drives.HostPath(p), nil
}

// clear removes what only the attempt needed, whose flow is gone.
func (a *attempt) clear() {
	if a.printed != nil {
		_ = a.printed.Flush()
	}
	if a.runlog != nil {
		_ = a.runlog.Close() // whatever is missing has been told
	}
	for _, folder := range []*os.Root{a.output, a.base} {
		if folder != nil {
			_ = folder.Close()
		}
	}
	if err := a.private.Remove(); err != nil {
		a.log.Warn("a private folder of a flow is left", "path", a.private.Path, "error", err.Error())
	}
	a.reach.close()
	a.dir.Close()
}

// finish tells how an attempt ended whose flow has begun; why is set when that
// was stopped.
func (r *Runner) finish(ctx context.Context, a *attempt, f *process.Flow, began time.Time, seq uint64, why error) error {
	_ = a.printed.Flush() // a log that takes no more says so itself
	msg := a.outcome(f, why)
	if why == nil {
		if fault := startFault(f, a.runlog.Tail()); fault != "" {
			msg = events.NotBegunMessage(msg)
		} else {
			msg = r.denied(a, f, r.explain(a, f, msg))
		}
	}
	ev := a.ended(began, nil, msg)
	if why == nil && f.State.Exited() {
		ev.ExitStatus = new(f.State.ExitStatus())
	}
	superseded := errors.Is(r.inputAsTaken(a.run), errSuperseded)
	if superseded {
		ev.Status = events.ERROR
		ev.Message = strings.TrimSuffix("input changed during the run; "+ev.Message, "; ")
	}
	if missing := a.runlog.Close(); missing != nil {
		ev.Message = strings.TrimPrefix(ev.Message+"; "+missing.Error(), "; ")
		a.log.Warn("the log of a run is not whole", "error", missing.Error())
	}
	a.report(&ev)
	if err := r.settleEnd(ctx, a, &ev, seq, superseded); err != nil {
		return err
	}
	a.log.Info("run ended", "status", string(ev.Status), "reason", f.State.String(), "duration", ev.At.Sub(began).Round(time.Millisecond).String())
	return nil
}

// settleEnd stores how an attempt ended, once what it wrote is where it is to be.
func (r *Runner) settleEnd(ctx context.Context, a *attempt, ev *events.RunEvent, seq uint64, superseded bool) error {
	if a.base == nil || ev.Status != events.OK {
		return r.conclude(ctx, a, *ev, seq, superseded)
	}
	m, err := r.place(ctx, a, ev)
	if err != nil {
		return err
	}
	return r.concludePlaced(ctx, a, m, *ev, seq)
}

// outcome says why an attempt ended with ERROR; empty means that all is well.
func (a *attempt) outcome(f *process.Flow, why error) string {
	msg := f.State.String()
	switch {
	case why != nil:
		msg = why.Error()
	case f.State.Success():
		return ""
	case f.OverMemory:
		msg = "flow-memory: ended for using more; " + msg
	}
	if said := a.runlog.Tail(); said != "" {
		msg += ": " + said
	}
	return msg
}

// ended is the event of an attempt's end; an empty message means that all is well.
func (a *attempt) ended(began time.Time, exitStatus *int, msg string) events.RunEvent {
	ev := event(events.Ended, a.run, time.Now())
	ev.Attempt, ev.StartedAt, ev.ExitStatus = a.number, began, exitStatus
	ev.Status, ev.Message = events.OK, strings.TrimSpace(msg)
	if msg != "" {
		ev.Status = events.ERROR
	}
	ev.Attempts = a.earlier
	return ev
}
