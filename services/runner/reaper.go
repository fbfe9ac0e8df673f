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

// ErrUnproven is in the error of [reaper.reap] when a process group cannot be proven dead.
var errUnproven = errors.New("a former attempt of this run cannot be proven dead")

// killPatience is how long killed processes are waited for while none of them dies: they
// hang in the kernel, in a device or on a mount.
const killPatience = 10 * time.Second

// reaper kills what earlier runners of this host have left running.
type reaper struct {
	host string // name of this host
	boot string // id of this boot of its kernel
}

// reap makes sure that the process group of an earlier attempt is dead and gone, and kills
// every orphan that has the marker in its environment. It kills a group only when it knows
// that the group is that of the attempt; otherwise the error is errUnproven.
func (r reaper) reap(ctx context.Context, p events.Process, marker []string) error {
	if p.Host != r.host {
		return fmt.Errorf("%w: it was started on host %q", errUnproven, p.Host)
	}
	if p.Boot != r.boot {
		return nil // the machine has been restarted since
	}
	defer killOrphans(0, marker)
	leader, found, err := lookup(p.PID)
	if err != nil {
		return fmt.Errorf("process %d: %w", p.PID, err)
	}
	if found && leader.start != p.StartTime {
		return nil // the number was given to another process, so the whole group is gone
	}
	members, err := group(p.PID)
	if err != nil {
		return fmt.Errorf("process group %d: %w", p.PID, err)
	}
	if countAlive(members) == 0 {
		return nil
	}
	// A group without its leader may be a newer one that got the same number after ours
	// was gone. The marker of the run decides.
	if !found && !slices.ContainsFunc(members, func(m process) bool {
		return carries(m.pid, marker)
	}) {
		return fmt.Errorf("%w: process group %d has lost its leader, and its members are not known to be of this run; if they are: kill -9 -- -%d",
			errUnproven, p.PID, p.PID)
	}
	if found && isGuard(p.PID) {
		// A guard kills everything that descends from the flow. A guard that is killed leaves
		// that to us.
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

// kill kills a process group, and its leader when that has left the group. The errors only
// say that nobody is left.
func kill(pgid int) {
	_ = signalGroup(pgid, syscall.SIGKILL)
	_ = signalProcess(pgid, syscall.SIGKILL)
}

// awaitGone waits until every process of a group, its leader included, has exited, and
// gives up when none of them has exited for killPatience. Zombies count as exited.
func awaitGone(ctx context.Context, pgid int) error {
	deadline, left := time.Now().Add(killPatience), math.MaxInt
	for wait := time.Millisecond; ; wait = min(2*wait, 50*time.Millisecond) {
		if errors.Is(signalGroup(pgid, 0), syscall.ESRCH) && errors.Is(signalProcess(pgid, 0), syscall.ESRCH) {
			return nil
		}
		if members, err := group(pgid); err == nil {
			switch alive := countAlive(members); {
			case alive == 0:
				return nil
			case alive < left:
				deadline, left = time.Now().Add(killPatience), alive
			}
		}
		if ctx.Err() != nil || time.Now().After(deadline) {
			return fmt.Errorf("process group %d does not die", pgid)
		}
		daemon.Pause(ctx, wait)
	}
}
