// In:  $JS.API.>, every subject of the other services
// Out: the streams of events/jet
//
// Package broker runs the NATS server that is inside Spool.
//
//	b, err := broker.Start(ctx, broker.Config{DataDir: dir, ...})
//	bus, err := b.Connect(ctx, "cron") // a client in this process
//	err = b.Keep(ctx)                  // watches the store until ctx ends
//	err = b.Close(ctx)                 // after all clients have drained
//
// Start creates the streams, the bucket and the credentials when they do not exist; the services
// only use them.
//
//   - Clients in the same process may do everything. Each role outside it has an account and a
//     credential of its own, which reach what its row in rights.go allows and nothing else, also
//     by the subjects that it has answers sent to. The guard forwards requests that a subject
//     alone cannot bound.
//   - An acknowledged message survives kill -9 in every mode. With fsync, the default, it survives
//     a power cut too; with interval all but the last 250 ms do.
//   - Close refuses new work first and returns when the store is closed.
package broker
