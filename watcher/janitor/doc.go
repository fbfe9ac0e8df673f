// Package janitor removes what the watcher leaves behind once nothing needs it any more: stages, ledger entries, and
// everything of deleted jobs.
//
//	j := janitor.New(janitor.Config{Bus: bus, Drives: drives, Log: log, Retention: 7 * 24 * time.Hour, Jobs: watcher})
//	j.Run(ctx)           // until ctx ends
//	j.JobDeleted(jobID)  // at once, and after a failure again
//
// # Guarantees
//
//   - Only the janitor removes stages of a job that is there: when the run has ended ok (looked for every minute), or
//     the retention after the file left the queue, so that what failed can be run again. It never removes one while a queued file, a rerun, a retry, an
//     accepted run or a dead letter needs it.
//   - A stage that was given up before its file was queued goes after an hour; of a recursive job, with the retention.
//   - A survey every hour finds what was missed.
//   - The ledger forgets a path when complete listings of the folder have found nothing there for 24 h. The 24 h
//     count from the start of the process at the earliest, and anew when another directory takes the place of the
//     folder.
//   - A deleted job loses its ledger and its stages, at once and again at every start for as long as JOBS remembers the
//     deletion; its stages only on drives that another job has used since the start.
//   - Every removal can be cut off anywhere, and is done again.
package janitor
