//go:build linux || darwin

package cell

import (
	"errors"
	"os"
	"syscall"
	"time"
)

// Name is argv[0] of every process of this package.
const Name = "spool-gate"

// What a process is there for: its second argument.
const (
	Launcher = "launch"
	Guard    = "guard"
	Warm     = "wait"
	Try      = "try"  // whether this program can be executed
	Wait     = "idle" // for a moment, so that its user namespace can be opened
)

// Descriptors beyond the standard three.
const (
	guardSocket = 3 // of a launcher and a guard
	warmSocket  = 4 // of those too, for the warm process that they start
	ownSocket   = 3 // of a warm process
	askSocket   = 4 // of a warm process whose flow the guard connects for
)

// Main must be the first call of a program. In a process that a runner, a launcher or a guard
// started it does that process's work and exits; in any other it returns at once.
func Main() {
	if len(os.Args) < 2 || os.Args[0] != Name {
		return
	}
	switch os.Args[1] {
	case Launcher:
		launch(os.Args[2:])
	case Guard:
		guard(os.Args[2:])
	case Warm:
		warm()
	case Try:
		os.Exit(Language)
	case Wait:
		time.Sleep(10 * time.Second)
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

// exec becomes the flow.
func (cmd *Command) exec() {
	err := syscall.Exec(cmd.Argv[0], cmd.Argv, cmd.Env)
	for range 20 { // a process that forks at this moment may still have the file open for writing
		if !errors.Is(err, syscall.ETXTBSY) {
			break
		}
		time.Sleep(10 * time.Millisecond)
		err = syscall.Exec(cmd.Argv[0], cmd.Argv, cmd.Env)
	}
	say(cmd.Argv[0], ": ", err.Error())
	if errors.Is(err, os.ErrNotExist) {
		os.Exit(127) // as a shell says that there is no such program
	}
	os.Exit(126) // as a shell says that it is none
}
