package reaper

import (
	"syscall"
	"time"
)

// KillOrphans kills the processes that left the group of the flow they descend from: those
// that carry every assignment of marker in their environment. It goes on until none is left
// or killPatience is over. Only processes started after the process since are looked at;
// 0 means all.
func KillOrphans(since int, marker []string) {
	for deadline := time.Now().Add(killPatience); ; time.Sleep(time.Millisecond) {
		left := orphans(since, marker)
		for _, pid := range left {
			_ = signalProcess(pid, syscall.SIGKILL) // it is gone already, or goes now
		}
		if len(left) == 0 || time.Now().After(deadline) {
			return
		}
	}
}
