// In:  the snapshots that the NATS server sends of its streams
// Out: the streams that a backup holds, into a store that has none
//
// Package backup copies a store into one file while it is in use, and such a file into a new store.
//
//	m, err := backup.Take(ctx, nc, file, backup.Options{...}) // streams and consumers, in order
//	m, err := backup.Check(file, secrets, nil)                // reads all of it, changes nothing
//	r, err := backup.Restore(ctx, nc, file, m, ...)           // into a store without streams
//
// A backup is a tar of small entries, compressed with zstd and, if asked, encrypted with age: first
// what it is of, then the keys (in an encrypted one only), then each stream in pieces of at most
// 1 MiB as the NATS server gives it, last the manifest, which counts messages and consumers and has
// a checksum of each stream. A file without a manifest is not a backup, so one that was cut off is
// never taken for one. No more than a few pieces are in memory at a time.
//
//   - What was acknowledged before [Take] began is in the backup: streams are taken in the order of
//     [Order], so that what leaves one while it goes on is in one that is taken later.
//   - [Restore] changes nothing before [Check] has read the whole file. It never writes to a path
//     that the file names.
//   - What a backup says of itself is not trusted: sizes are bounded, names are those it knows,
//     counts are counted. Only an encrypted backup cannot be altered unnoticed.
package backup
