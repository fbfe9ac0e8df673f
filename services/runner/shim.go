package runner

import "spool.internal/services/runner/cell"

// Shim must be the first call of main, and of TestMain where flows are started. When no small program
// is available a [Runner] starts flows from this program itself; in such a process Shim does its work
// and does not return. In any other it does nothing.
func Shim() { cell.Main() }

// Undumpable keeps other processes of the same user from tracing this one and from reading its memory:
// a flow can be of that user, and this process holds secrets. It does not affect what it starts.
func Undumpable() error { return undumpable() }
