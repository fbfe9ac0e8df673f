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
)

// errStopped says that this runner stopped a flow because it stops itself.
var errStopped = errors.New("the runner is stopping")

// attempt is one try to bring a run to its end.
type attempt struct {
	run      events.Run
	settings settings
	number   int
	runlog   *runLog
	log      *slog.Logger
}

// perform brings a run to its end. Any error means that it has not come there
// and has to be delivered again; nothing that perform started is left then.
func (r *Runner) perform(ctx context.Context, run events.Run) error {
	if done, err := r.hasEnded(ctx, run); done || err != nil {
		return err
	}
	former, seq, err := r.lastStart(ctx, run)
	if err != nil {
		return err
	}
	if former.Process != nil {
		if err := r.bury(ctx, *former.Process, run.FlowJobID); err != nil {
			return fmt.Errorf("attempt %d: %w", former.Attempt, err)
		}
	}
	// The handler may have died between queue and event, and `accepted` comes first.
	if err := r.announce(ctx, run); err != nil {
		return err
	}
	a := &attempt{run: run, number: former.Attempt + 1, log: r.logOf(run).With("attempt", former.Attempt+1)}
	f, err := r.start(a)
	if a.runlog != nil {
		defer a.runlog.close()
	}
	if fault, ok := errors.AsType[*events.Error](err); ok {
		return r.end(ctx, a.ended(time.Time{}, nil, fault.Error()), a.log)
	}
	if err != nil {
		return err
	}
	began := event(events.Started, run, time.Now())
	began.Attempt, began.Process = a.number, &events.Process{Host: r.host, Boot: r.boot, PID: f.pid, StartTime: f.began}
	if err := r.claim(ctx, began, seq); err != nil {
		f.discard()
		return err
	}
	// Until the claim a rival could still end the run; from here on none can.
	if done, err := r.hasEnded(ctx, run); done || err != nil {
		f.discard()
		return err
	}
	f.open()
	a.log.Info("run started", "pid", f.pid)
	if !f.wait(ctx) {
		return errStopped
	}
	return r.finish(ctx, a, f, began.At)
}

// start makes the output folder and the log, and the process, which waits at
// its gate. An [events.Error] ends the run; any other fault may pass.
func (r *Runner) start(a *attempt) (*flow, error) {
	var err error
	if a.settings, err = storedSettings(a.run); err != nil {
		return nil, err
	}
	out, err := r.output(a)
	if err != nil {
		return nil, err
	}
	binary, err := r.hostPath("binary_path", a.run.BinaryPath)
	if err != nil {
		return nil, err
	}
	in, err := r.hostPath("input_dir", a.run.InputDir)
	if err != nil {
		return nil, err
	}
	if a.runlog, err = openLog(r.cfg.DataDir, a.run.FlowJobID, a.number); err != nil {
		return nil, err
	}
	if err := r.inputAsTaken(a.run); err != nil {
		return nil, err
	}
	return launch([]string{binary, in, out}, environment(a.run, a.settings, in, out), out, a.runlog.file)
}

func (r *Runner) hostPath(field, logical string) (string, error) {
	p, err := events.ParsePath(field, logical)
	if err != nil {
		return "", err
	}
	return r.drives.HostPath(p), nil
}

// output makes the output folder and gives its host path. It is emptied when
// the run asks for that, and before another attempt when it is the run's alone.
func (r *Runner) output(a *attempt) (string, error) {
	p, err := events.ParsePath("output_folder", a.run.OutputFolder)
	if err != nil {
		return "", err
	}
	root, err := r.drives.Create(p)
	if err != nil {
		return "", events.Faultf(events.Invalid, "output_folder", "%s %s", p, r.drives.Why(p, err))
	}
	defer root.Close()
	if own := a.settings.hasRunID; own && a.number > 1 || !own && a.settings.deleteOutDir {
		if err := empty(root); err != nil {
			return "", events.Faultf(events.Invalid, "output_folder", "%s cannot be emptied: %v", r.drives.HostPath(p), err)
		}
	}
	return r.drives.HostPath(p), nil
}

func empty(root *os.Root) error {
	dir, err := root.Open(".")
	if err != nil {
		return err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	for _, name := range names {
		err = errors.Join(err, root.RemoveAll(name))
	}
	return err
}

func (r *Runner) finish(ctx context.Context, a *attempt, f *flow, began time.Time) error {
	var status *int
	msg := ""
	if f.state.Exited() {
		status = new(f.state.ExitCode())
	}
	if !f.state.Success() {
		msg = f.state.String()
		if said := a.runlog.tail(); said != "" {
			msg += ": " + said
		}
	}
	if errors.Is(r.inputAsTaken(a.run), errSuperseded) {
		msg = strings.TrimSuffix("input changed during the run; "+msg, "; ")
	}
	ev := a.ended(began, status, msg)
	if err := r.end(ctx, ev, a.log); err != nil {
		return err
	}
	a.log.Info("run ended", "status", string(ev.Status), "reason", f.state.String(), "duration", ev.At.Sub(began).Round(time.Millisecond).String())
	return nil
}

// ended is the event of an attempt's end; an empty message means that all is well.
func (a *attempt) ended(began time.Time, exitStatus *int, msg string) events.RunEvent {
	ev := event(events.Ended, a.run, time.Now())
	ev.Attempt, ev.StartedAt, ev.ExitStatus = a.number, began, exitStatus
	ev.Status, ev.Message = events.OK, strings.TrimSpace(msg)
	if msg != "" {
		ev.Status = events.ERROR
	}
	return ev
}
