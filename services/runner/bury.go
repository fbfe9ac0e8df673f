package runner

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"syscall"
	"time"

	"spool.internal/events"
	"spool.internal/services/daemon"
)

// deathTakes is how long those that were killed are waited for while none of them
// dies: they hang in the kernel, in a device or a mount.
const deathTakes = 10 * time.Second

// bury makes sure that the process group of a former attempt is dead and gone.
// It kills only what it knows to be that group.
func (r *Runner) bury(ctx context.Context, p events.Process, marks []string) error {
	if p.Host != r.host {
		return fmt.Errorf("%w: it was started on host %q", errUnproven, p.Host)
	}
	if p.Boot != r.boot {
		return nil // the machine has started anew since
	}
	defer killStrays(0, marks)
	leader, found, err := lookup(p.PID)
	if err != nil {
		return fmt.Errorf("process %d: %w", p.PID, err)
	}
	if found && leader.start != p.StartTime {
		return nil // the number names another process, which it cannot before the whole group is gone
	}
	members, err := group(p.PID)
	if err != nil {
		return fmt.Errorf("process group %d: %w", p.PID, err)
	}
	if countAlive(members) == 0 {
		return nil
	}
	// A group without its leader can have been founded, under the same number,
	// long after ours was gone. The mark of the run tells.
	if !found && !slices.ContainsFunc(members, func(m process) bool {
		return carries(m.pid, marks)
	}) {
		return fmt.Errorf("%w: process group %d has lost its leader, and its members are not known to be of this run; if they are: kill -9 -- -%d",
			errUnproven, p.PID, p.PID)
	}
	if found && isGuard(p.PID) {
		// It ends all that descends from the flow, and is heard to the end: who kills it
		// has to look for that himself.
		_ = signalProcess(p.PID, endFlow)
		if awaitGone(ctx, p.PID) == nil {
			return nil
		}
	}
	kill(p.PID)
	if err := awaitGone(ctx, p.PID); err != nil {
		return fmt.Errorf("%w: %w", errUnproven, err)
	}
	return nil
}

// kill ends a process group, and its leader when that has left the group. Where
// nobody is left there is nothing to do, so the errors say nothing.
func kill(pgid int) {
	_ = signalGroup(pgid, syscall.SIGKILL)
	_ = signalProcess(pgid, syscall.SIGKILL)
}

// awaitGone waits until nobody lives in a process group, its leader included, or
// nobody of them has died for long. Zombies do not live: they wait for whoever
// inherited them.
func awaitGone(ctx context.Context, pgid int) error {
	deadline, left := time.Now().Add(deathTakes), math.MaxInt
	for wait := time.Millisecond; ; wait = min(2*wait, 50*time.Millisecond) {
		if errors.Is(signalGroup(pgid, 0), syscall.ESRCH) && errors.Is(signalProcess(pgid, 0), syscall.ESRCH) {
			return nil
		}
		if members, err := group(pgid); err == nil {
			switch alive := countAlive(members); {
			case alive == 0:
				return nil
			case alive < left:
				deadline, left = time.Now().Add(deathTakes), alive
			}
		}
		if ctx.Err() != nil || time.Now().After(deadline) {
			return fmt.Errorf("process group %d does not die", pgid)
		}
		daemon.Pause(ctx, wait)
	}
}
