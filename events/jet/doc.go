// Package jet puts Spool's language on NATS JetStream: which streams there are,
// how messages get into them, and how a service takes them out again.
//
// # The ledger and the queue
//
// One pattern carries every promise about "once". A WorkQueue stream keeps what
// no consumer's filter matches. So one stream holds both a ledger subject, which
// stays, and a queue subject, which goes with its ack; both are committed in one
// atomic batch, and the ledger message carries the last sequence
// that its subject may have. The commit is therefore the claim: of all who try,
// one wins and the others are told [IsConflict], whatever restarts in between,
// without windows, leaders or locks. Clock and triggers, seen files and their
// work, run keys and queued runs are all this.
//
// # Guarantees
//
//   - Acknowledged means stored as the broker's durability says; with
//     --durability=fsync it is on disk.
//   - A commit is wholly there or wholly absent. One that timed out
//     ([IsUnknown]) is one of the two: ask the ledger.
//   - A queued message is delivered until it is acked; a [Delivery] that is not
//     settled is kept alive, and comes again 10 s after its holder died.
//   - Followers see the messages of a stream in order, resume after a broken
//     connection without loss, and may see the last message twice.
//   - Nothing here is sent while the connection is down: publishing then fails
//     at once and the caller decides.
package jet
