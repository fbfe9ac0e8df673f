// In:  $JS.API.>, every subject of the other services
// Out: the streams of events/jet
//
// Package broker runs the NATS server that is inside Spool.
//
// Who is in the same process may do everything. Each role outside has an account and
// a credential of its own, which reach what its row in rights.go says and nothing
// else, wherever it has answers sent; the guard passes on what a subject alone does
// not bound.
//
// It makes the streams, the bucket and the credentials, once; the services only
// use them. What a publisher was told is stored survives kill -9 in every mode;
// with fsync, the default, it survives a power cut too, and with interval all
// but the last 250 ms do. Close refuses new work first and returns when the
// store is closed; clients must have drained before.
package broker
