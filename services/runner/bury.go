package runner

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"
	"time"

	"spool.internal/events"
	"spool.internal/services/daemon"
)

// deathTakes is how long a killed group may take to be gone before the run has
// to wait for its next delivery.
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
	defer killStrays(0, marks, time.Second)
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
	if !anyAlive(members) {
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
	kill(p.PID)
	if err := awaitGone(ctx, p.PID, deathTakes); err != nil {
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

// awaitGone waits until nobody lives in a process group, its leader included.
// Zombies do not live: they wait for whoever inherited them.
func awaitGone(ctx context.Context, pgid int, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for wait := time.Millisecond; ; wait = min(2*wait, 50*time.Millisecond) {
		if errors.Is(signalGroup(pgid, 0), syscall.ESRCH) && errors.Is(signalProcess(pgid, 0), syscall.ESRCH) {
			return nil
		}
		if members, err := group(pgid); err == nil && !anyAlive(members) {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("process group %d does not die", pgid)
		}
		daemon.Pause(ctx, wait)
	}
}
