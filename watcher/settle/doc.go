// Package settle decides when a file is complete, and what to do with a folder next.
//
//	var f settle.File
//	action, wait := f.Observe(rule, stat, now)       // with Wait, look again after wait
//
//	folder := settle.NewFolder(sweep, now)
//	step, wait := folder.Next(now)                   // with Rest, ask again after wait
//	folder.Overflowed(now)                           // tell it what happened
//
// Both are state machines without I/O: they take stats and the time as values, start nothing and never block. Neither is
// safe for concurrent use: one goroutine at a time owns a folder and its files.
//
// The states of both, and what leads from one to another, are in the package comment of watcher; a test compares those
// tables with [Folder] and [File].
package settle
