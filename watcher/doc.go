// In:  spool.job.>, spool.again.>, spool.held.>, spool.run.>, spool.runqueue.>, spool.pausedrun.>, spool.trigger.{manual,retry}.<job_id>, spool.dead.<job_id>, spool.result.>, spool.state.role.>, spool.place.>
// Out: spool.file.<job_id>.<fingerprint>, spool.seen.<job_id>.<path_hash>.<fingerprint>, spool.held.<job_id>.<path_hash>.<fingerprint>, spool.state.watch.<job_id>, spool.state.files.<job_id>, spool.state.watch.<job_id>.<place>, spool.state.files.<job_id>.<place>
//
// Package watcher turns files that land in folders into triggers.
//
//	w, err := watcher.New(watcher.Config{Bus: bus, Drives: drives, Log: log})
//	…
//	err = w.Run(ctx)  // until ctx ends, and everything that it has started with it
//	err = w.Check()   // why no files are taken now; nil = they are
//
// The folders are those of jobs in automatic mode, which the watcher reads from JOBS. What the file system reports is a
// hint; the scan of the directory is the truth; only the commit makes a file happen once.
//
// # Guarantees
//
//   - Loss: every complete regular file that stays in the folder of a job in automatic mode gets its trigger, whatever
//     dies or restarts, whatever the system fails to report, and even if the queue is full or NATS away for a while. A
//     file that goes away before it is complete gets none.
//   - Duplication: exactly one trigger for each file, also with several watchers on one folder. A file is identified
//     by its fingerprint (package stage): the same name with other content, or deleted and put there again, or
//     touched, is another file; a chmod, a chown, a link elsewhere or a read changes nothing.
//   - Half files: none that a local process has open or mapped for writing (Linux, where leases can be had); elsewhere
//     none that changed within [Config.QuietSlow].
//   - Order: none.
//   - A trigger's input folder holds its file alone, with the content that its fingerprint stands for, whatever happens
//     to the original from then on.
//   - Only regular files are opened, and none whose name says that it is hidden or unfinished. Nothing in a watched
//     folder is written, moved or removed, with one exception: what a job's spool.after says is to become of a file
//     when its run has ended. That is done once, and only to the content that ran.
//   - After Run has returned nothing is published any more.
//
// # Where to read on
//
// The way of a file is in turn.go, scan.go and batch.go, in the order in which a file passes them. The rooms beside
// them: settle decides, without I/O; notify reports what happens in directories; stage copies and links; janitor
// removes what nothing needs any more.
//
// # States of a directory
//
//	absent   nothing is at the path; looked for every 5 s
//	arming   found, and not yet scanned: the watch is armed, then the scan begins
//	live     watched and scanned; every 5 s it is checked whether it is still the same
//	rescan   the system lost reports; a full scan is due
//	poll     cannot be watched, or its watch proved unreliable: scanned every 1 to 30 s
//	blocked  there, but cannot be read, or does not answer; tried every 5 s
//
// A row is an event, a cell the state that follows, "-" what does not happen. The decisions are in package settle.
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
// Polled are network mounts and what looks like one (statfs), folders that the system refuses to watch (the reason says
// what to raise), those above 200 entries on macOS, and, for 10 minutes, those where two files were not reported. On a
// network mount no lease is asked for: a file must stay unchanged for [Config.QuietRemote].
//
// With watch.recursive each directory below has a state of its own, and the job shows the worst of them. Links to
// directories are not followed there; hidden directories and those that watch.ignore matches are not entered. A
// directory that came with files in it is scanned like any other: each file runs once, under its path below the job's
// folder.
//
// When a call into the file system hangs, its worker is stuck: another worker is started in its place, the folder is
// shown as blocked, and Run does not wait for it.
//
// # States of a file
//
//	young   changed less than its quiet period ago, ten times that when it is empty
//	named   its name is new and nothing was written under it since: complete
//	marked  the marker that its job asks for is there: complete
//	held    a program has it open or mapped for writing, or it cannot be read;
//	        tried again after the quiet period, then ever more seldom, up to 5 s
//	slow    no lease can be had: complete once unchanged for [Config.QuietSlow]
//
// A cell is the state that follows, or what is done: probe, lease it and take it; confirm, the same, then make sure
// that nothing was written under its name after all; ready, take it without a lease. A file that proves incomplete
// when it is probed is held or slow from then on. Without the marker that its job asks for a file has no state, and
// is only counted.
//
//	event                       young   named    marked  held   slow
//	its name has come           named   named    named   named  named
//	written under its name      young   young    marked  held   slow
//	changed                     young   young    marked  young  young
//	its marker is there         marked  marked   marked  held   marked
//	a writer has it             held    held     held    held   held
//	no leases here              slow    slow     marked  -      slow
//	not left alone yet          young   confirm  probe   held   slow
//	alone for the quiet period  probe   confirm  probe   probe  slow
//	alone for the longer time   probe   confirm  probe   probe  ready
//
// The system reports a rename into a folder and the creation of a file alike. So after the lease the watcher sets the
// mode of a file of its own, a cookie, in a folder that the same watch of the system covers, and before the commit it
// waits for the report: by then every write under the name that came before the lease has been reported. If there was
// none, and the file is not empty, its content came with its name. After an overflow nothing counts as reported.
//
// # The way of a file
//
//  1. The watch on a directory is armed before the scan: the scan sees what came before, and what comes after is
//     reported. A report marks the folder and notes the name, nothing else. An overflow, a directory that was
//     replaced and every sweep lead to a scan; a scan looks only at names that are not known, and every 10 minutes at
//     all.
//  2. Files that are complete by the table above go on in batches of up to 500. Those whose fingerprints the ledger
//     knows are done. Where a scan has met new files only, it does not ask about small ones: their commit tells.
//  3. Each other one is opened, leased, and compared with what was seen. It goes alone into a stage of its own,
//     <drive>/.spool/<job_id>/<fingerprint>.<attempt>/: as a copy that shares its blocks, where the file system can
//     and the file is not small; else as a copy, with its holes; as a hard link only where [Config.LinkAbove] asks
//     for it. It is compared again once it is there. If anything differs, the file starts over. A program that opens
//     the file for writing meanwhile waits until the copy is whole, 10 s at most; then the file starts over, too.
//  4. The batch is synced if so configured.
//  5. Claims in the ledger and triggers in the queue are committed in one batch, while the next is staged.
//
// # Files that came out of runs
//
// Before step 3 each file is judged: if its chain of runs contains its own job while the output folders still lead
// around, or is [Config.MaxDepth] long, the file gets an entry in the ledger with the reason instead of a trigger. It
// is judged again when a job has changed, and every minute: once the ring is cut the entry is removed, and the file
// counts as never seen.
//
// # Where it can be cut off
//
//	before 3  nothing has happened; the scan after the start finds the file
//	in 3, 4   a stage is left, whole or not, that nothing refers to; the next attempt
//	          builds another, so that what a power cut spoilt is never used
//	in 5      the batch is wholly there or not at all; the next attempt asks, and
//	          takes the same stage if the process still knows it
//	after 5   the file is in the ledger
//
// A claim that another watcher has won is as good as one's own: that one's trigger names a stage of its own, and the
// one built here is removed.
//
// # What is removed
//
// See package janitor: stages whose runs have ended, ledger entries of files that have gone for a day, everything of
// deleted jobs.
//
// A disabled job's files are taken as usual and wait in the queue.
package watcher
