// Package admission decides who a caller is counted as and whether it gets in:
// its connection into a listener's pool, its request past the semaphores. It
// holds no socket and no lock; the listener does.
//
// # Guarantees
//
//   - A caller with a valid token is counted by its token alone, wherever it
//     comes from; all others by their address, IPv6 by its /64.
//   - No caller fills a listener: it holds at most a fifth of the permits of a kind,
//     and of the connections a quarter.
//   - Administrators have permits of their own; when these are taken they compete
//     for those of all.
//   - A pool that is full takes a new connection all the same, for a token may
//     come on it. It evicts the oldest connection without a token, of the address
//     that has most of them.
package admission
