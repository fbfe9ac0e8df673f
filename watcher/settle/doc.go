// Package settle holds the watcher's decisions, apart from its I/O: when a file
// is complete, and what is to be done with a folder next. Both are state
// machines that take what was seen, and the time, as values; they start nothing
// and block on nothing. Neither is safe for concurrent use: one goroutine at a
// time owns a folder and its files.
//
// The states of both and what leads from one to another are in the package
// comment of watcher; a test compares those tables with [Folder] and [File].
package settle
