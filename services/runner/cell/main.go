//go:build linux || darwin

package cell

import (
	"os"
	"time"
)

// Name is argv[0] of every process of this package.
const Name = "spool-gate"

// What a process is there for: its second argument. Each system has more.
const (
	Try  = "try"  // whether this program can be executed
	Wait = "idle" // for a moment, so that its user namespace can be opened
)

// What the processes of this package exit with, where the flow does not.
const (
	notShutIn   = 125 // as env, nice and timeout say that it is their own fault
	notExecuted = 126 // as a shell says that it is no program
	noProgram   = 127 // as a shell says that there is no such program
)

// A process that forks at this moment may still have the program open for writing.
const (
	busyTries = 20
	busyWait  = 10 * time.Millisecond
)

// Main must be the first call of a program. In a process that a runner or a launcher started it
// does that process's work and exits; in any other it returns at once.
func Main() {
	if len(os.Args) < 2 || os.Args[0] != Name {
		return
	}
	switch os.Args[1] {
	case Try:
		os.Exit(Language)
	case Wait:
		time.Sleep(10 * time.Second)
	default:
		if role := roles[os.Args[1]]; role != nil {
			role(os.Args[2:])
		}
	}
	os.Exit(2)
}

// say prints into the log of the run, as the flow does.
func say(parts ...string) {
	for _, p := range parts {
		_, _ = os.Stderr.WriteString(p)
	}
	_, _ = os.Stderr.WriteString("\n")
}

func cannotShutIn(err error) { say("spool: the flow cannot be shut in: ", err.Error()) }
