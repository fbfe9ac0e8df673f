// Package notify reports what happens in directories, by the notifications of the system (fsnotify).
//
//	n := notify.New(log, counters)
//	err := n.Watch(listener, path)  // path has no links in it
//	n.Drop(listener, path)
//	err = n.Close()
//
// A [Listener] is called as things happen, and must not block; mostly it keeps the reports in a [Buffer], which
// a worker empties with [Buffer.Take].
//
// # Guarantees
//
//   - A report is a hint: it can come late, twice or not at all. When the system drops reports, every listener of
//     that shard gets Overflowed; a directory that is moved or removed gives Doubted.
//   - A watch is on a directory, not on a path: after the directory at a path was replaced, Watch must be called again.
//   - The answer to [Notifier.Ask] is true only when everything that had happened in the directory was reported.
//   - A call into the system that hangs is given up after 5 s, and takes only its shard along: an eighth of all paths.
//   - After Close no listener is called any more, and no goroutine is left, unless the system hangs.
//
// A Notifier and a Buffer are safe for concurrent use.
package notify
