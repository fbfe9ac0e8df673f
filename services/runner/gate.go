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
	May       bounds // open, beside what all flows may
}

// Shim must be the first call of main, and of TestMain where flows are started.
// In a process that [Runner] has started it reads the bounds of all flows, waits
// for its command, shuts itself in, waits until the `started` event is stored
// and then becomes the flow; when the runner dies before, it exits. In any other
// process it does nothing.
func Shim() {
	if len(os.Args) != 1 || os.Args[0] != gateName {
		return
	}
	runtime.LockOSThread() // some bounds are those of a thread, and exec keeps this one
	gate := json.NewDecoder(os.NewFile(gateFile, "gate"))
	var all bounds
	if gate.Decode(&all) != nil {
		os.Exit(1)
	}
	// There is time before the command comes, and none after: what is slow for the
	// first time is done once now.
	shut, fault := all.cell()
	_ = json.Unmarshal([]byte(`{"Argv":["x"],"Env":["x"],"May":{"Run":["x"]}}`), &command{})
	var c command
	if gate.Decode(&c) != nil {
		os.Exit(1)
	}
	for _, step := range []func() error{
		func() error { return fault },
		func() error { return os.Chdir(c.Dir) },
		func() error { return shut.allow(c.May) },
		func() error { return shut.enter() },
	} {
		if err := step(); err != nil {
			fmt.Fprintf(os.Stderr, "spool: the flow cannot be shut in: %v\n", err)
			os.Exit(125) // as env, nice and timeout say that it is their own fault
		}
	}
	if open := false; gate.Decode(&open) != nil || !open {
		os.Exit(1)
	}
	all.limit()
	c.exec()
}

func (c command) exec() {
	syscall.CloseOnExec(gateFile)
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
