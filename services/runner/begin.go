package runner

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"time"

	"github.com/google/uuid"

	"spool.internal/events"
	"spool.internal/services/daemon"
	"spool.internal/services/runner/process"
)

// passing are the faults of a start that may pass: the program is being written, the system is out
// of processes or memory, a mount does not answer.
var passing = []syscall.Errno{
	syscall.ETXTBSY, syscall.EAGAIN, syscall.ENOMEM, syscall.EMFILE, syscall.ENFILE, syscall.EIO, syscall.ESTALE,
	syscall.ETIMEDOUT, syscall.ENOTCONN, syscall.EHOSTDOWN,
}

// startWaits are the backoff of starts that failed for such a reason; after the last the run is
// given up.
var startWaits = []time.Duration{
	time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 32 * time.Second, time.Minute, time.Minute, time.Minute,
}

// startPatience is how long the kernel may take to load a program and its interpreter.
var startPatience = 30 * time.Second

// begin lets a flow begin. The context it returns ends when the program is not loaded in time.
func begin(ctx context.Context, f *process.Flow) (life context.Context, stop func()) {
	life, cancel := context.WithCancelCause(ctx)
	loaded := f.Open(startPatience, func() {
		cancel(halt(events.NotBegunMessage("its program or interpreter was not loaded within " + startPatience.String() + ": the mount that it lies on may not answer")))
	})
	return life, func() {
		loaded()
		cancel(nil)
	}
}

// startFault says why the kernel did not start the program of an attempt, if the reason may pass;
// empty otherwise. The warm process prints it before it exits.
func startFault(f *process.Flow, printed string) string {
	if !f.State.Exited() || f.State.ExitStatus() != cannotExecute || strings.Contains(printed, "\n") {
		return ""
	}
	for _, errno := range passing {
		if strings.HasSuffix(printed, ": "+errno.Error()) {
			return errno.Error()
		}
	}
	return ""
}

// asNotBegun turns an error of making a process for a flow, if it may pass, into the end of an
// attempt that has not begun.
func asNotBegun(err error) error {
	for _, errno := range passing {
		if errors.Is(err, errno) {
			return events.Faultf(events.Unavailable, "", "%s", events.NotBegunMessage(err.Error()))
		}
	}
	return err
}

// startsAgain decides whether a failed start is retried, and after how long. Such attempts do not
// count against the job's own retries.
func startsAgain(a *attempt, ev events.RunEvent) (wait time.Duration, ok bool) {
	if !ev.NotBegun() || strings.HasPrefix(ev.Message, events.CancelledBy) {
		return 0, false
	}
	if n := events.Starts(a.earlier); n < len(startWaits) {
		return startWaits[n], true
	}
	return 0, false
}

// giveUp stores a dead letter of a run that cannot be started. Retrying it makes a trigger with an
// id of its own: under the old id this run would be the answer.
func (r *Runner) giveUp(ctx context.Context, run events.Run, ev events.RunEvent) error {
	if run.JobID == "" || run.TriggerID == "" {
		return nil
	}
	ctx, cancel := daemon.Linger(ctx, farewell)
	defer cancel()
	t := events.Trigger{
		ID: events.ManualTriggerID(run.JobID, uuid.NewSHA1(uuid.Nil, []byte(run.FlowJobID)).String()), JobID: run.JobID, Kind: events.KindManual,
		At: ev.At, RerunOf: run.TriggerID, File: fileOf(run),
	}
	return r.bus.PutDead(ctx, t, events.Result{
		TriggerID: run.TriggerID, JobID: run.JobID, Kind: run.Kind, File: t.File, FlowJobID: run.FlowJobID, TriggeredAt: run.AcceptedAt,
		StartedAt: ev.At, EndedNS: ev.At.UnixNano(), Status: events.ERROR, Attempts: ev.Attempt, HTTP: events.HTTPResult{Status: "0", Headers: []events.Header{}, Response: ev.Message},
	})
}

// fileOf is the file that a run is about, as a trigger names it.
func fileOf(run events.Run) *events.File {
	input, err := events.ParsePath("input_dir", run.InputDir)
	if err != nil {
		return nil
	}
	s, ok := stageOf(run.JobID, input, run.File)
	if !ok {
		return nil
	}
	return &events.File{
		Path: run.File.Path, PathB64: run.File.PathB64, Name: run.File.Name, Size: run.File.Size, Fingerprint: s.fingerprint, InputDir: run.InputDir, Chain: run.Chain,
	}
}
