package runner

import "spool.internal/services/runner/cell"

// Shim must be the first call of main, and of TestMain where flows are started: in
// a process that [Runner] has started from this program, since there was no gate
// program to be had, it does that one's work. In any other it does nothing.
func Shim() { cell.Main() }

// Undumpable makes this process one that its own user can neither trace nor read
// the memory of: a flow can be of the same user, and this one holds secrets. What it
// starts is not concerned.
func Undumpable() error { return undumpable() }
