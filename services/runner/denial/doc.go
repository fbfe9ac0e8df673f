// In:  -
// Out: -
//
// Package denial finds out what the sandbox denied a flow that failed, and which line of a
// profile would allow it.
//
// It asks three witnesses: the last lines that the flow printed ([Allowed.Explain]), the kernel's
// audit where it is on ([Audit], [Allowed.Kernel]), and the guard that connects for the flow
// ([Connection]). The answers are sentences for the message of the run, and hints: a flow may
// have failed for another reason.
//
// Only [Audit.Keep] blocks, until its context ends, and [Audit.Unwatch], for 50 ms.
package denial
