// In:  spool.job.>, spool.again.>, spool.held.>, spool.run.{accepted,started,ended}.>, spool.runqueue.>, spool.pausedrun.>, spool.trigger.{manual,retry}.<job_id>, spool.dead.<job_id>, spool.result.<job_id>
// Out: spool.file.<job_id>.<fingerprint>, spool.seen.<job_id>.<path_hash>.<fingerprint>, spool.held.<job_id>.<path_hash>.<fingerprint>, spool.state.watch.<job_id>, spool.state.files.<job_id>
//
// Package watcher turns files that land in folders into triggers.
//
// What the file system reports is a hint, the scan of the directory is the
// truth, and the commit is the only thing that makes a file happen once.
//
// # Guarantees
//
//   - Loss: every complete regular file that stays in the folder of a job in
//     automatic mode gets its trigger, whatever dies or restarts, whatever the
//     system forgets to report, and although the queue is full or NATS away for
//     a while. A file that goes away before it is complete gets none.
//   - Duplication: exactly one trigger a file, also with several watchers on one
//     folder. A file is what its [fingerprint] says: the same name with other
//     content, or deleted and put there again, or touched, is another file; a
//     chmod, a chown, a link elsewhere or a read changes nothing.
//   - Half files: none that a local process holds open or mapped for writing
//     (Linux, where leases are to be had); elsewhere none that changed within
//     [Config.QuietSlow].
//   - Order: none.
//   - A trigger's input folder holds its file alone, with the content that its
//     fingerprint stands for, whatever happens to the original from then on.
//   - Never opened: what is no regular file, and what the name says is hidden
//     or unfinished. Nothing in a watched folder is written, moved or removed, but
//     what a job says is to become of a file when its run has ended (spool.after):
//     that is done once, and only to the content that ran.
//   - After Run has returned nothing is published any more.
//
// # States of a directory
//
//	absent   nothing is at the path; looked for every 5 s
//	arming   found, and not yet scanned: the watch is armed, then the scan begins
//	live     watched and scanned; looked at every 5 s whether it is still the same
//	rescan   the system lost reports; a full scan is due
//	poll     cannot be watched, or not relied on: scanned every 1 to 30 s
//	blocked  there, but cannot be read, or does not answer; tried every 5 s
//
// A row is what is found out, a cell the state that follows, "-" what does not
// happen. The decisions are in package settle.
//
//	event               absent   arming   live     rescan   poll     blocked
//	nothing is there    absent   absent   absent   absent   absent   absent
//	cannot be read      blocked  blocked  blocked  blocked  blocked  blocked
//	does not answer     blocked  blocked  blocked  blocked  blocked  blocked
//	another directory   arming   arming   arming   arming   arming   arming
//	cannot be watched   -        poll     poll     poll     poll     -
//	is watched          -        arming   live     rescan   arming   -
//	reports were lost   absent   arming   rescan   rescan   poll     blocked
//	doubted             absent   arming   live     rescan   poll     blocked
//	files unreported    -        arming   poll     rescan   poll     -
//	scanned to the end  -        live     live     live     poll     -
//
// Polled are network mounts and what looks like one (statfs), folders that the
// system refuses to watch (the reason says what to raise), those above 200
// entries on macOS, and, for 10 minutes, those where two files came unreported.
// On a network mount no lease is asked for: a file must look the same for
// [Config.QuietRemote].
//
// With watch.recursive each directory below has a state of its own, and the job
// shows the worst of them. Links to directories are not followed there, hidden
// ones and those that watch.ignore matches not entered. A directory that came
// with files in it is scanned like any other: each file runs once, under its
// path below the job's folder.
//
// A call into the file system that hangs takes one worker along; another takes
// its place, the folder is shown as blocked, and Run does not wait for it.
//
// # States of a file
//
//	young   to be left alone for the quiet time, ten times as long when empty
//	named   its name is new and nothing was written under it since: waits for nothing
//	marked  the marker that its job asks for is there: waits for nothing
//	held    a program has it open or mapped for writing, or it cannot be read;
//	        tried again after the quiet time, then ever more seldom, up to 5 s
//	slow    no lease is to be had: to be left alone for [Config.QuietSlow]
//
// A cell is the state that follows, or what is done: probe, lease it and take
// it; confirm, the same, then make sure that nothing was written under its name
// after all; ready, take it without a lease. What is not complete when it is
// probed is held or slow from then on. Without the marker that its job asks for
// a file has no state, and is only counted.
//
//	event                       young    named    marked   held     slow
//	its name has come           named    named    named    named    named
//	written under its name      young    young    marked   held     slow
//	changed                     young    young    marked   young    young
//	its marker is there         marked   marked   marked   held     marked
//	a writer has it             held     held     held     held     held
//	no leases here              slow     slow     marked   -        slow
//	not left alone yet          young    confirm  probe    held     slow
//	alone for the quiet time    probe    confirm  probe    probe    slow
//	alone for the longer time   probe    confirm  probe    probe    ready
//
// A rename into a folder and the creation of a file are reported alike. So after
// the lease a file of one's own is made in a folder that the same watch of the
// system sees, and its report is waited for: by then every write under the name
// that came before the lease has been told. There being none, and the file not
// empty, the content came with the name. After an overflow nothing counts as told.
//
// # The way of a file
//
//  1. The watch on a directory is armed before the scan: what comes before is in
//     the scan, what comes after is reported. Reports set a mark and a name,
//     nothing else. An overflow, a directory that was replaced and every sweep
//     lead to a scan; a scan looks only at names that are not known, and every
//     10 minutes at all.
//  2. Complete as the table above says, files go on in batches of up to 500. Their fingerprints are asked about in the ledger; those found
//     there are done.
//  3. Each other one is opened, leased, and compared with what was seen. It goes
//     alone into <drive>/.spool/<job_id>/<fingerprint>/input/: as a copy that
//     shares its blocks, where the file system can and the file is not small; else
//     as a copy, with its holes; as a hard link only where [Config.LinkAbove] asks for it. A copy
//     is compared again and has its name by a rename; a link is compared once it
//     is made. With a difference the file starts over. A writer at the door waits
//     until the copy is whole, 10 s at most; then the file starts over, too.
//  4. The batch is synced if so configured.
//  5. Claims in the ledger and triggers in the queue are committed in one batch.
//
// # Files that came out of runs
//
// Before 3 each file is judged: one whose chain of runs holds its own job while
// the output folders still lead around, or is [Config.MaxDepth] long, gets an
// entry in the ledger with the reason in place of a trigger. It is looked at
// again when a job has changed, and every minute: once the ring is cut the entry
// goes, and the file counts as never seen.
//
// # Where it can be cut off
//
//	before 3  nothing has happened; the scan after the start finds the file
//	in 3      a temporary file is left, or a folder without a file, or a stage that
//	          nothing refers to; the next attempt fills it, or finds the link there,
//	          and puts a fresh copy in the place of one, so that what a power cut
//	          spoilt is never used
//	in 5      the batch is wholly there or not at all; the next attempt asks
//	after 5   the file is in the ledger
//
// A claim that somebody else has won is as good as one's own, and the stage is
// theirs: its content is the same.
//
// # What is removed
//
// Only the janitor removes stages of a job that is there: when the run has ended
// (looked for every minute), or [Config.Retention] after the file left the queue;
// never while a queued file, a rerun, a retry, an accepted run or a dead letter
// names it. What was given up before it was queued goes after an hour; of a
// recursive job, with the retention. A survey every hour finds what nobody heard of.
//
// The ledger forgets a path when listings of the whole folder have found nothing
// there for 24 h: it holds as much as lies in folders, and a file that is moved
// away and back within a day does not run again. The 24 h count from the start of
// the watcher at the earliest, and again when another directory takes the place.
//
// A deleted job loses its ledger and its stages, at once and again at every
// start for as long as JOBS remembers the deletion; its stages only on drives
// that another job has used since the start.
//
// A disabled job's files are taken as usual and wait in the queue.
package watcher
