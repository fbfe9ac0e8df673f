//go:build linux || darwin

package cell

import (
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// warm is a warm process: it waits for the room and puts up what of it needs no run, waits for its
// command, shuts itself in, waits for the word and becomes the flow. When the
// runner goes before that, it exits.
func warm() {
	// Blocking: there is nothing else to do.
	socket := os.NewFile(ownSocket, "runner")
	syscall.CloseOnExec(ownSocket)
	closeOthers(ownSocket)
	var room Room
	if _, err := Receive(socket, &room); err != nil {
		os.Exit(1)
	}
	s, met := room.prepare()
	if Send(socket, &met) != nil || met.Fault != "" {
		os.Exit(1)
	}
	runtime.LockOSThread() // from here on bounds are those of a thread, and exec keeps this one
	var cmd Command
	rights, err := Receive(socket, &cmd)
	if err != nil {
		os.Exit(1)
	}
	err = s.enter(&cmd, rights)
	if err == nil {
		err = s.filter()
	}
	if err != nil {
		say("spool: the flow cannot be shut in: ", err.Error())
		os.Exit(125) // as env, nice and timeout say that it is their own fault
	}
	if _, err := Receive(socket, &Open{}); err != nil {
		os.Exit(1)
	}
	room.Limits.set() // last, for this process may need more
	cmd.exec()
}

func fchdir(f *os.File) error { return unix.Fchdir(int(f.Fd())) }
