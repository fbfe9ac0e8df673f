// In:  spool.job.>, spool.trigger.cron.>, spool.trigger.manual.>, spool.trigger.retry.>, spool.file.>
// Out: spool.result.<job_id>, spool.dead.<job_id>, spool.called.<job_id>.<hash>, spool.slot.<job_id>, spool.state.retry.<job_id>
//
// Package dispatcher turns every trigger into one run-binary call and one result.
//
// Guarantees:
//
//   - The call is made at least once, always with the trigger's identity as its
//     Idempotency-Key; with retry_for 0s at most once.
//   - The result is stored before the trigger is acked. Work that was stored
//     before this process connected, or that was delivered before, may have a
//     result already: it is looked up before a call is made.
//   - What cannot be delivered is tried again until retry_for after the trigger
//     was stored; giving up is a dead letter and then an ERROR result.
//   - Sources take turns: one source of triggers for each kind, one of files for
//     each job that has files queued. Within a source the order is that of the
//     queue, but calls overlap.
//   - Triggers of a deleted job are dropped; files of a disabled one wait.
package dispatcher
