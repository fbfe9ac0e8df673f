package cell

import (
	"errors"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Warm is the second argument of a warm process, which waits for its command and becomes the flow.
// Without the means of Linux it has nothing to put up, and no guard.
const Warm = "wait"

const ownSocket = 3 // of a warm process

var roles = map[string]func([]string){Warm: warm}

// warm is a warm process. When the runner goes before it has begun, it exits.
func warm([]string) {
	// Blocking: there is nothing else to do.
	socket := os.NewFile(ownSocket, "runner")
	syscall.CloseOnExec(ownSocket)
	if _, err := Receive(socket, &Room{}); err != nil {
		os.Exit(1)
	}
	if Send(socket, &Met{}) != nil {
		os.Exit(1)
	}
	var cmd Command
	rights, err := Receive(socket, &cmd)
	if err != nil {
		os.Exit(1)
	}
	if cmd.Dir >= len(rights) {
		err = errWire
	} else {
		err = unix.Fchdir(int(rights[cmd.Dir].Fd()))
	}
	if err != nil {
		cannotShutIn(err)
		os.Exit(notShutIn)
	}
	if _, err := Receive(socket, &Open{}); err != nil {
		os.Exit(1)
	}
	cmd.exec()
}

// exec becomes the flow.
func (cmd *Command) exec() {
	err := syscall.Exec(cmd.Argv[0], cmd.Argv, cmd.Env)
	for range busyTries {
		if !errors.Is(err, syscall.ETXTBSY) {
			break
		}
		time.Sleep(busyWait)
		err = syscall.Exec(cmd.Argv[0], cmd.Argv, cmd.Env)
	}
	say(cmd.Argv[0], ": ", err.Error())
	if errors.Is(err, os.ErrNotExist) {
		os.Exit(noProgram)
	}
	os.Exit(notExecuted)
}
