package runner

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

const (
	gateName = "spool-shim" // argv[0] of a process that waits at its gate
	gateFile = 3            // the descriptor that the gate is: the first after the standard three
)

// Shim must be the first call of main, and of TestMain where flows are started.
// In a process that [Runner] has started it waits until its `started` event is
// stored and then becomes the flow; when the runner dies before, it exits. In
// any other process it does nothing.
func Shim() {
	if len(os.Args) < 2 || os.Args[0] != gateName {
		return
	}
	gate := os.NewFile(gateFile, "gate")
	if n, _ := gate.Read(make([]byte, 1)); n != 1 {
		os.Exit(1)
	}
	_ = gate.Close()
	err := syscall.Exec(os.Args[1], os.Args[1:], os.Environ())
	for range 20 { // somebody who forks at this moment may still hold the file open for writing
		if !errors.Is(err, syscall.ETXTBSY) {
			break
		}
		time.Sleep(10 * time.Millisecond)
		err = syscall.Exec(os.Args[1], os.Args[1:], os.Environ())
	}
	fmt.Fprintf(os.Stderr, "%s: %v\n", os.Args[1], err)
	if errors.Is(err, os.ErrNotExist) {
		os.Exit(127) // as a shell says that there is no such program
	}
	os.Exit(126) // as a shell says that it is none
}
