// In:  -
// Out: -
//
// Package cell is what stands between the runner and a flow: the processes that
// start it, the view of the host that it gets, and how it ends.
//
// A runner starts [Launcher] → [Guard] → [Gate], each an exec of the same small
// program (services/runner/gate, or spool itself where that is not at hand):
//
//   - The launcher makes the namespaces and is gone. Spool is undumpable, and what
//     an undumpable process starts cannot be given a user id map by an ordinary
//     user, so somebody else has to be in between. Where no user namespace is
//     needed there is no launcher.
//   - The guard is process 1 of the flow's pid namespace, or else its subreaper. It
//     outlives the flow, ends all that descends from it, says how the flow ended,
//     and does the same at once when the runner dies, which it sees by a socket that
//     is closed. When it has said so, or is gone itself, nothing of the run is left.
//     Where the flow may connect to some addresses only ([Form].Asks), the guard
//     connects for it; and it has those sockets wait for connections whose paths are
//     the flow's ([Form].Hears).
//   - The gate waits for the command, shuts itself in and becomes the flow.
//
// What the runner says to a gate is a [Room] (all flows alike, before there is a
// run) and a [Command] with the descriptors of its places. A place is known by its
// descriptor: a path that leads somewhere else by now ends the run.
//
// Nothing here imports fmt or encoding/json: the program starts for every run.
package cell
