// In:  spool.job.>, spool.trigger.cron.>, spool.trigger.manual.>, spool.trigger.retry.>, spool.file.>, spool.paused.>, spool.run.accepted.>, spool.run.ended.>
// Out: spool.result.<job_id>, spool.dead.<job_id>, spool.called.<job_id>.<hash>, spool.called.<job_id>.turn, spool.paused.<job_id>.<hash>, spool.trigger.cron.<job_id>, spool.done.<queue>.<writer>.<n>, spool.slot.<job_id>, spool.state.retry.<job_id>, spool.run.accepted.<job_id>.<flow_job_id>, spool.run.started.<job_id>.<flow_job_id>, spool.run.ended.<job_id>.<flow_job_id>
//
// Package dispatcher turns every trigger into one run-binary call and one result.
//
// Guarantees:
//
//   - The call is made at least once, always with the trigger's identity as its
//     Idempotency-Key; with retry_for 0s at most once.
//   - How a trigger ended is entered into a ledger, then stored as its result, then
//     the trigger is acked. Work that was stored before this process connected, or
//     that somebody may have had in hand, may have come to its end already: the
//     ledger is asked before a call is made, and what was missing of the end is done.
//   - While this process and its broker live, nothing is called twice, however slow
//     the disk: what is not acked for certain is kept alive, and counts as in hand.
//   - What fails for a reason that may pass is called again, at growing intervals
//     that no restart shortens, until retry_for after the trigger was stored;
//     giving up is a dead letter and then an ERROR result. What waits takes no
//     worker and does not stop its queue, and STATE shows it.
//   - An endpoint that refuses five connections in a row is left alone but for one
//     call every few seconds, and is found when it comes back.
//   - Sources take turns: one source of triggers for each kind, one of files for
//     each job that has files queued. Within a source the order is that of the
//     queue, but calls overlap; of the files of one job max_concurrency are called
//     at once by each dispatcher.
//   - In a job with overlap queue or skip no call is made before the run of the
//     trigger before has ended, whichever dispatcher made that call.
//   - Under catch_up latest, a slot that was not called before a newer one of its
//     job was due is superseded: a verdict, and no result.
//   - With TrackRuns the runs of an endpoint that is not the built-in runner get the
//     events of one, each once, until they end or TrackFor is over.
//   - Triggers of a deleted job are dropped. Files and slots of a disabled one wait, in
//     no other job's way, until it is enabled; what somebody asked for goes on.
package dispatcher
