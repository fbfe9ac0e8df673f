package runner

import (
	"strconv"
	"syscall"
)

// outcome is how a flow ended, as wait(2) says it.
type outcome struct{ syscall.WaitStatus }

// killed is the outcome of a flow of which nobody says how it ended.
var killed = outcome{asStatus(int(syscall.SIGKILL))}

func (o outcome) success() bool { return o.Exited() && o.ExitStatus() == 0 }

func (o outcome) String() string {
	if o.Exited() {
		return "exit status " + strconv.Itoa(o.ExitStatus())
	}
	return "signal: " + o.Signal().String()
}
