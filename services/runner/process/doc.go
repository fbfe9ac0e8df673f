// In:  -
// Out: -
//
// Package process starts the processes of flows (package cell) and waits for their end.
//
//	f, err := pool.Take(ctx)                  // a warm process: it has put up its room
//	err = f.Load(command, places, marker, w)  // what it is to become; w takes what it prints
//	stop := f.Open(30*time.Second, late)      // it becomes the flow
//	finished := f.Wait(ctx)                   // nothing of the flow is left
//
// A [Program] is what processes are started from. A [Pool] keeps warm processes, because a
// start takes some milliseconds: [Pool.Keep] fills it until its context ends, and [Pool.Wait]
// blocks until every process that the pool has started is gone.
//
// When a flow has ended, everything that is known to descend from it has been killed: on
// Linux by its guard, also when this process dies; on macOS what is left of its process group.
// Every flow that was started must be ended by [Flow.Wait] or [Flow.Discard].
package process
