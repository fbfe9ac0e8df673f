// Package store tells whether what lies in the store of the NATS server is all that
// was said to be stored, before the server opens it: a server that finds a damaged
// block cuts it off there, forgets the rest, and goes on.
//
// [Check] reads every block of every stream, changes nothing of what it finds damaged,
// and compares it with a note, the file store.json in the data folder, of what is known
// to be there: the last sequence of each stream, how many jobs there are, and after an
// orderly stop which blocks, to the byte. The note says only what is synced, so that
// neither kill -9 nor a power cut makes a whole store look damaged. What was not
// synced may be missing or torn at the end of a stream.
//
// What can be mended without loss, is: the settings of a stream, of which the note has
// a copy, and the state of a consumer, which then begins anew. Anything else is
// [*Damage], until [AcceptLoss] has taken out what cannot be read.
//
// After a kill -9 the note may be a second old, and lack cron's clock of the hours before
// if nothing else was stored in them, which nobody misses. Until then the server may have
// removed blocks whose messages were all done with: that a whole block of another
// stream than JOBS was taken away after a kill -9 is not seen, unless it was the last.
package store
