// Package settle holds the watcher's decisions, apart from its I/O: when a file
// is complete, and what is to be done with a folder next. Both are state
// machines that take what was seen, and the time, as values; they start nothing
// and block on nothing. Neither is safe for concurrent use: one goroutine at a
// time owns a folder and its files.
//
// # Folder
//
//	state    meaning                                   left by
//	absent   nothing is at the path                    found: arming
//	arming   not scanned yet, since it was found       scanned: live
//	live     watched, scanned, hints arrive            overflow: rescan
//	rescan   hints were lost, a full scan is due       scanned: live
//	poll     cannot be watched; scanned at intervals   watched: arming
//	blocked  there, but cannot be read                 found: arming
//
// Every state is left for absent or blocked when the path cannot be opened, and
// for arming when another directory is at the path.
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
