// In:  -
// Out: -
//
// Package seccomp builds the filters of system calls that flows get. It is pure:
// it makes programs for any architecture on any system and loads none; whoever
// starts flows hands the bytes to the process that becomes one.
//
// What a filter does, in this order:
//
//   - A call of another architecture, and on amd64 one with the x32 bit, kills the
//     process: its numbers mean something else there.
//   - A call newer than [Newest] answers ENOSYS: nobody has judged it.
//   - clone3, openat2, io_uring_* and pidfd_* answer ENOSYS, as a kernel that
//     lacks them does, and libraries fall back to calls that can be judged: a
//     filter sees the numbers of a call, not what its pointers lead to.
//   - Calls that no flow needs answer EPERM: those that change the machine, reach
//     into other processes, or lead around the rules about files.
//   - Calls with a harmless and a harmful form are judged by their arguments: a mode
//     must not set user or group id, a process id must be 0 (the caller), a socket
//     must be of a kind that Landlock's rules about ports hold for, or ICMP.
//   - Where connections are listed, connect waits for whoever listens to the filter,
//     and what could reach an address without it is refused.
//   - Everything else is allowed.
//
// Arguments are compared in the width that the kernel reads: 32 bits where it cuts
// off the rest, and 64 bits, in both halves, where it does not.
package seccomp
