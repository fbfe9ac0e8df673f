// Package daemon is the life of a process: parts start in order, readiness is
// the sum of theirs, and everything stops in the reverse order, each step
// bounded in time.
//
// A part is running when Go returns and has ended when its stop step returns.
// The first part that fails stops the whole process, and its error is what Wait
// returns. After Wait has returned nothing of the process runs any more, unless
// an error says which step took too long.
package daemon
