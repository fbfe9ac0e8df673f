// Package settle holds the watcher's decisions, apart from its I/O: when a file
// is complete, and what is to be done with a folder next. Both are state
// machines that take what was seen, and the time, as values; they start nothing
// and block on nothing. Neither is safe for concurrent use: one goroutine at a
// time owns a folder and its files.
//
// The states of a folder and what leads from one to another are in the package
// comment of watcher; a test compares that table with [Folder].
//
// # File
//
//	seen                          verdict
//	changed, or too young         wait for the quiet time
//	quiet                         probe: ask for a read lease
//	lease refused (a writer)      wait, longer each time, up to 5 s; probe again
//	no leases here                wait until unchanged for the slow quiet time
//	quiet and leased, or unchanged for the slow quiet time: ready
package settle
