package runner

import "spool.internal/services/runner/cell"

// Shim must be the first call of main, and of TestMain where flows are started: in
// a process that [Runner] has started from this program, since there was no gate
// program to be had, it does that one's work. In any other it does nothing.
func Shim() { cell.Main() }
