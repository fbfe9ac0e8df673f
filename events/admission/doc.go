// Package admission decides as whom a caller is counted, and whether it is admitted: its
// connection into a listener's [Pool], its request past the [Semaphores].
//
//	evicted, ok := pool.Add(entry, admission.ByAddress(addr))         // a new connection
//	permit, refusal := semaphores.Acquire(admission.Request, caller)  // a request on it
//
// It holds no socket and no lock: the listener does, and calls one method at a time.
//
// # Guarantees
//
//   - A caller with a valid token is counted by its token alone, wherever it
//     comes from; all others by their address, IPv6 by its /64.
//   - No caller fills a listener: it holds at most a fifth of the permits of a kind,
//     and of the connections a quarter.
//   - Administrators have permits of their own; when these are taken they compete
//     for those of all.
//   - A full pool still takes a new connection, because a valid token may come on it. It
//     evicts the oldest connection without a token, of the address that has most of them.
package admission
