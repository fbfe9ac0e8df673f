package runner

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"spool.internal/events"
	"spool.internal/events/wait"
	"spool.internal/services/runner/cell"
)

// ownNames reports whether the files that a flow in this form can change by their names, without
// opening them, are all its own.
func ownNames(f cell.Form) bool { return f.View || f.As }

// roomNow is the room of a flow that begins now. Where flows share the runner's user and see its
// files, a strict room lets a flow change no files by their names. Programs such as tar do that, so
// rooms are strict only where someone who is no administrator may write flows.
func (r *Runner) roomNow() (room cell.Room, strict bool) {
	room = r.room
	if !room.Shut || room.Form.View || r.cfg.Sandbox == SandboxRequired {
		return room, true
	}
	if r.cfg.Sandbox == SandboxAuto {
		if others, err := r.cfg.Keys.OthersWrite(time.Now()); others || err != nil {
			return room, true
		}
	}
	room.Filter = r.loose
	return room, false
}

// Lacks says what flows are not kept from on this host, and what it takes; nil
// when nothing is lacking, or nothing is asked for.
func (r *Runner) Lacks() []string { return r.lacks }

// Notes are sentences for people: what [Runner.Lacks] says, and what a flag has weakened.
func (r *Runner) Notes() []string { return append(r.sandboxNotes(), r.profiles.note()...) }

func (r *Runner) sandboxNotes() []string {
	if r.cfg.Sandbox == SandboxOff {
		return []string{"flows are not shut in (--sandbox off)"}
	}
	notes := slices.Concat(r.lacks, r.missing())
	if r.cfg.Listen {
		notes = append(notes, "flows may take ports (--runner-network listen)")
	}
	return notes
}

// held says why no flow may start. With SandboxAuto the flows of users who are no administrators
// need the whole sandbox; and while such a user may write files, any flow may be theirs.
func (r *Runner) held() error {
	if r.cfg.Sandbox != SandboxAuto || len(r.lacks) == 0 {
		return nil
	}
	others, err := r.cfg.Keys.OthersWrite(time.Now())
	if err != nil || !others {
		return err
	}
	return events.Faultf(events.Unavailable, "sandbox", "there is a token of somebody who is no administrator and may write flows, which cannot be shut in here: %s. "+
		"Give the runner what it takes, or revoke the token, or go without by --sandbox best-effort", strings.Join(r.lacks, "; "))
}

// untilHeld ends a context as soon as no flow may start any more.
func (r *Runner) untilHeld(ctx context.Context) (context.Context, context.CancelFunc) {
	open, stop := context.WithCancel(ctx)
	if r.cfg.Sandbox != SandboxAuto || len(r.lacks) == 0 {
		return open, stop
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for open.Err() == nil {
			if _, is := errors.AsType[*events.Error](r.held()); is {
				stop()
			}
			_ = wait.Sleep(open, holdCheck)
		}
	}()
	return open, func() { stop(); <-ended }
}

// holdCheck is how often a runner that lacks something looks for tokens of others.
const holdCheck = 200 * time.Millisecond

// awaitStart keeps the runs in hand until flows may start again, and logs why they may not.
func (r *Runner) awaitStart(ctx context.Context) {
	holding, dismiss := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); r.hold(holding) }()
	for logged := ""; ctx.Err() == nil; _ = wait.Sleep(ctx, holdCheck) {
		why := r.held()
		if why == nil {
			break
		}
		r.setIdle(why)
		if fault, is := errors.AsType[*events.Error](why); is && fault.Field == "sandbox" && logged != fault.Message {
			logged = fault.Message // other faults only say that the tokens are not known yet
			r.log.Warn("no flow is started", "cause", logged)
		}
	}
	dismiss()
	<-done
}

// Announce publishes in STATE what this runner keeps flows from. It is called before Spool reports
// ready, and by Run from time to time: what is stored there is kept for a while.
func (r *Runner) Announce(ctx context.Context) error {
	state := events.RunnerState{
		Host: r.reaper.Host, Pool: r.cfg.Pool, Sandbox: string(r.cfg.Sandbox), Unmet: r.lacks, Direct: r.cfg.Direct, Profiles: r.profiles.shown(),
		Reads: r.reads(), Path: flowPath(),
	}
	if r.cfg.StepTimeout != 0 {
		state.StepTimeout = r.cfg.StepTimeout.String()
	}
	id := events.Hash(r.reaper.Host + "\x00" + r.cfg.Pool + "\x00" + r.cfg.DataDir)
	if err := r.bus.PutRunner(ctx, id, state); err != nil {
		return err
	}
	return r.bus.ForgetRunners(ctx, id)
}

// keepAnnouncing does so until ctx ends.
func (r *Runner) keepAnnouncing(ctx context.Context) {
	for next := time.Duration(0); ctx.Err() == nil; _ = wait.Sleep(ctx, next) {
		if next = wait.Whole(r.bus.RenewStates()); r.Announce(ctx) != nil {
			next = time.Second
		}
	}
}
