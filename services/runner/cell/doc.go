// In:  -
// Out: -
//
// Package cell is what runs between the runner and a flow: the processes that start the flow, the
// view of the host that it gets, and the reaping of everything it leaves.
//
// A program calls [Main] first. In a process that a runner started with [Name] as its argv[0], Main
// does that process's work and does not return; in any other it does nothing.
//
// A runner starts [Launcher] → [Guard], each an exec of the same small program (services/runner/gate,
// or spool itself where that is not available):
//
//   - The launcher makes the namespaces and exits. Spool is undumpable, and an ordinary user
//     cannot give a user id map to what an undumpable process starts, so another process has
//     to be in between. Where no user namespace is needed there is no launcher.
//   - The guard is process 1 of the flow's pid namespace, or else its subreaper. It puts up
//     what of the sandbox needs no run, and is a warm process until it gets the command. Then one of
//     its threads shuts itself in, forks the process that becomes the flow, and ends.
//     The guard outlives the flow, kills everything that descends from it, and reports how the flow
//     ended. When the runner dies, which closes a socket, it does the same at once. When it has
//     reported, or is gone itself, nothing of the run is left.
//     Where the flow may connect to some addresses only ([Form].Asks), the guard
//     connects for it; and it has those sockets wait for connections whose paths are
//     the flow's ([Form].Hears).
//   - The process of the flow is a copy of the guard without Go's runtime (birth_linux.go): it has
//     the bounds of the thread that made it, waits until the guard has given up what it does not
//     need any more and for the word of the runner, and becomes the flow.
//
// On macOS a runner starts the process that becomes the flow, and there is no guard.
//
// A runner sends a warm process a [Room] (the same for all flows, before there is a run) and a
// [Command] with the descriptors of its places. A place is known by its
// descriptor: a path that leads somewhere else by now ends the run.
//
// Nothing here imports fmt or encoding/json: the program starts for every run.
package cell
