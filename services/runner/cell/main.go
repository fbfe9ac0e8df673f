//go:build linux || darwin

package cell

import (
	"errors"
	"os"
	"runtime"
	"syscall"
	"time"
)

// Name is argv[0] of every process of this package.
const Name = "spool-gate"

// The second argument says what a process is there for.
const (
	Launcher = "launch"
	Guard    = "guard"
	Gate     = "wait"
	Try      = "try"  // whether this program can be executed
	Wait     = "idle" // for a moment, so that its user namespace can be opened
)

// Descriptors beyond the standard three.
const (
	guardSocket = 3 // of a launcher and a guard
	gateSocket  = 4 // of those too, for the gate they start
	ownSocket   = 3 // of a gate
	askSocket   = 4 // of a gate whose flow the guard connects for
)

// Main must be the first call of a program. In a process that a runner, a
// launcher or a guard has started it does what that is there for and exits; in any
// other it does nothing.
func Main() {
	if len(os.Args) < 2 || os.Args[0] != Name {
		return
	}
	runtime.LockOSThread() // some bounds are those of a thread, and exec keeps this one
	switch os.Args[1] {
	case Launcher:
		launch(os.Args[2:])
	case Guard:
		guard(os.Args[2:])
	case Gate:
		gate()
	case Try:
		os.Exit(Language)
	case Wait:
		time.Sleep(10 * time.Second)
	}
	os.Exit(2)
}

// say prints for the log of the run, where whatever the flow prints goes.
func say(parts ...string) {
	for _, p := range parts {
		_, _ = os.Stderr.WriteString(p)
	}
	_, _ = os.Stderr.WriteString("\n")
}

// exec becomes the flow.
func (cmd *Command) exec() {
	err := syscall.Exec(cmd.Argv[0], cmd.Argv, cmd.Env)
	for range 20 { // somebody who forks at this moment may still hold the file open for writing
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
