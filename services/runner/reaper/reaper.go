package reaper

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"syscall"
	"time"

	"spool.internal/events"
	"spool.internal/events/wait"
)

// ErrUnproven is in the error of [reaper.reap] when a process group cannot be proven dead.
var ErrUnproven = errors.New("a former attempt of this run cannot be proven dead")

// killPatience is how long killed processes are waited for while none of them dies: they
// hang in the kernel, in a device or on a mount.
const killPatience = 10 * time.Second

// Reaper kills what earlier runners of this host left running. It holds no resources and is
// safe for concurrent use.
type Reaper struct {
	Host  string // name of this host
	Place string // the machine, whatever its host is called; empty = the host is
	Boot  string // id of this boot of its kernel
}

// New fails on a system whose process table cannot be read: no flow could be proven dead.
func New() (Reaper, error) {
	if err := supported(); err != nil {
		return Reaper{}, err
	}
	host, err := os.Hostname()
	if err != nil {
		return Reaper{}, err
	}
	if _, found, err := Lookup(os.Getpid()); err != nil || !found {
		return Reaper{}, fmt.Errorf("the process table cannot be read, and without it no flow can be proven dead: %w", err)
	}
	return Reaper{Host: host, Boot: bootID()}, nil
}

// Reap makes sure that the process group of an earlier attempt is dead and gone, and kills
// every orphan that has the marker in its environment. It kills a group only when it knows
// that the group is that of the attempt; otherwise the error is errUnproven.
func (r Reaper) Reap(ctx context.Context, p events.Process, marker []string) error {
	if named := p.Place != "" && r.Place != ""; named && p.Place != r.Place {
		return fmt.Errorf("%w: it was started on machine %q", ErrUnproven, p.Place)
	} else if !named && p.Host != r.Host {
		return fmt.Errorf("%w: it was started on host %q", ErrUnproven, p.Host)
	}
	if p.Boot != r.Boot {
		return nil // the machine has been restarted since
	}
	defer KillOrphans(0, marker)
	leader, found, err := Lookup(p.PID)
	if err != nil {
		return fmt.Errorf("process %d: %w", p.PID, err)
	}
	if found && leader.Start != p.StartTime {
		return nil // the number was given to another process, so the whole group is gone
	}
	members, err := Group(p.PID)
	if err != nil {
		return fmt.Errorf("process group %d: %w", p.PID, err)
	}
	if CountAlive(members) == 0 {
		return nil
	}
	// A group without its leader may be a newer one that got the same number after ours
	// was gone. The marker of the run decides.
	if !found && !slices.ContainsFunc(members, func(m Process) bool {
		return carries(m.PID, marker)
	}) {
		return fmt.Errorf("%w: process group %d has lost its leader, and its members are not known to be of this run; if they are: kill -9 -- -%d",
			ErrUnproven, p.PID, p.PID)
	}
	if found && isGuard(p.PID) {
		// A guard kills everything that descends from the flow. A guard that is killed leaves
		// that to us.
		_ = signalProcess(p.PID, endFlow)
		if AwaitGone(ctx, p.PID) == nil {
			return nil
		}
	}
	kill(p.PID)
	if err := AwaitGone(ctx, p.PID); err != nil {
		return fmt.Errorf("%w: %w", ErrUnproven, err)
	}
	return nil
}

// kill kills a process group, and its leader when that has left the group. Its calls fail only when
// no process is left.
func kill(pgid int) {
	_ = SignalGroup(pgid, syscall.SIGKILL)
	_ = signalProcess(pgid, syscall.SIGKILL)
}

// AwaitGone waits until every process of a group, its leader included, has exited, and
// gives up when none of them has exited for killPatience. Zombies count as exited.
func AwaitGone(ctx context.Context, pgid int) error {
	deadline, left := time.Now().Add(killPatience), math.MaxInt
	for again := (wait.Backoff{First: time.Millisecond, Last: 50 * time.Millisecond}); ; {
		if errors.Is(SignalGroup(pgid, 0), syscall.ESRCH) && errors.Is(signalProcess(pgid, 0), syscall.ESRCH) {
			return nil
		}
		if members, err := Group(pgid); err == nil {
			switch alive := CountAlive(members); {
			case alive == 0:
				return nil
			case alive < left:
				deadline, left = time.Now().Add(killPatience), alive
			}
		}
		if ctx.Err() != nil || time.Now().After(deadline) {
			return fmt.Errorf("process group %d does not die", pgid)
		}
		_ = again.Wait(ctx)
	}
}
