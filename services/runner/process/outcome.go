package process

import (
	"strconv"
	"syscall"
)

// Outcome is how a flow ended, as wait(2) says it.
type Outcome struct{ syscall.WaitStatus }

// killed is the outcome of a flow whose guard was killed before it could report.
var killed = Outcome{asStatus(int(syscall.SIGKILL))}

func (o Outcome) Success() bool { return o.Exited() && o.ExitStatus() == 0 }

func (o Outcome) String() string {
	if o.Exited() {
		return "exit status " + strconv.Itoa(o.ExitStatus())
	}
	return "signal: " + o.Signal().String()
}
