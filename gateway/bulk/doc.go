// Package bulk does one action with many jobs or dead letters: what was selected is a
// list in the store, and so is how far the action is.
//
//	bulks := &bulk.Runner{Bus: bus, Keys: keys, Do: do, Log: log}
//	go bulks.Run(ctx)
//	b, err := bulks.Begin(ctx, b, items) // stored, and under way
//
// # Guarantees
//
//   - An action that is stored goes on until it is through, whichever gateway ends
//     meanwhile: one that has not stirred for [Runner.Lease] is taken over by another, or by the
//     same after its start.
//   - One gateway works on it at a time. Each thing is met with once: what its worker
//     may have done before it ended is announced before it is done, and of these things
//     alone it is looked whether they are done already.
//   - It may do what the token might do with which it was begun, and stops when that
//     token is revoked.
//   - What is away or full is waited for; a day after its beginning an action stops.
package bulk
