package runner

import (
	"syscall"
	"time"
)

// killStrays kills the processes that carry all marks in their environment, until
// there are none or deathTakes is over: they have left the group of the flow that
// they descend from. Only those that were started after the process since are
// looked at; 0 means all.
func killStrays(since int, marks []string) {
	for deadline := time.Now().Add(deathTakes); ; time.Sleep(time.Millisecond) {
		left := strays(since, marks)
		for _, pid := range left {
			_ = signalProcess(pid, syscall.SIGKILL) // gone, or it goes
		}
		if len(left) == 0 || time.Now().After(deadline) {
			return
		}
	}
}
