// Package cluster reads and writes bundles: what makes a machine one of a cluster.
//
//	b, err := cluster.Load("prod.bundle/m1") // what `spool serve --bundle` is given
//	name := b.Machine                        // m1, its place
//
// `spool cluster init` makes a bundle for each machine, in a folder for each, and keeps the private
// key of the certificate authority beside them. A bundle holds who is in the cluster, the keys of
// the NATS server, the certificate of the machine, and the secrets that all machines share. It holds
// no address of a file outside it, and is only read by a running server: it may be read-only.
//
// The package starts no server and connects to none.
package cluster
