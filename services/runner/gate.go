package runner

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"
)

const (
	gateName = "spool-shim" // argv[0] of a process that waits at its gate
	gateFile = 3            // the descriptor that the gate is: the first after the standard three
)

// command is what a process becomes behind its gate.
type command struct {
	Argv, Env []string
	Dir       string
	Bounds    bounds
}

// Shim must be the first call of main, and of TestMain where flows are started.
// In a process that [Runner] has started it waits for its command, shuts itself
// into the bounds of the flow, waits until the `started` event is stored and
// then becomes the flow; when the runner dies before, it exits. In any other
// process it does nothing.
func Shim() {
	if len(os.Args) != 1 || os.Args[0] != gateName {
		return
	}
	runtime.LockOSThread() // some bounds are those of a thread, and exec keeps this one
	gate := json.NewDecoder(os.NewFile(gateFile, "gate"))
	// There is time before the command comes, and none after: what takes longer
	// the first time is done once now.
	var c command
	_ = json.Unmarshal([]byte(`{"Argv":["x"],"Env":["x"],"Bounds":{"Run":["x"],"Limits":{"Files":1}}}`), &c)
	_, _ = landlockABI(), canGoOffline()
	c = command{}
	if gate.Decode(&c) != nil {
		os.Exit(1)
	}
	err := errors.Join(os.Chdir(c.Dir), c.Bounds.confine())
	if err != nil {
		fmt.Fprintf(os.Stderr, "spool: the flow cannot be shut in: %v\n", err)
		os.Exit(125) // as env, nice and timeout say that it is their own fault
	}
	if open := false; gate.Decode(&open) != nil || !open {
		os.Exit(1)
	}
	c.exec()
}

func (c command) exec() {
	syscall.CloseOnExec(gateFile)
	c.Bounds.limit()
	err := syscall.Exec(c.Argv[0], c.Argv, c.Env)
	for range 20 { // somebody who forks at this moment may still hold the file open for writing
		if !errors.Is(err, syscall.ETXTBSY) {
			break
		}
		time.Sleep(10 * time.Millisecond)
		err = syscall.Exec(c.Argv[0], c.Argv, c.Env)
	}
	fmt.Fprintf(os.Stderr, "%s: %v\n", c.Argv[0], err)
	if errors.Is(err, os.ErrNotExist) {
		os.Exit(127) // as a shell says that there is no such program
	}
	os.Exit(126) // as a shell says that it is none
}
