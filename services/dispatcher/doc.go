// In:  spool.job.>, spool.trigger.cron.>, spool.trigger.manual.>, spool.trigger.retry.>, spool.file.>, spool.paused.>, spool.run.accepted.>, spool.run.ended.>, spool.run.cancelling.>, spool.result.<job_id>, spool.done.<queue>.>, spool.asked.>, spool.state.role.>, spool.place.>
// Out: spool.result.<job_id>, spool.asked.<job_id>.<hash>, spool.dead.<job_id>, spool.called.<job_id>.<hash>, spool.called.<job_id>.turn, spool.paused.<job_id>.<hash>, spool.trigger.cron.<job_id>, spool.done.<queue>.<writer>.<n>, spool.seen.<job_id>.<path_hash>.<fingerprint>, spool.slot.<job_id>, spool.state.retry.<job_id>, spool.run.accepted.<job_id>.<flow_job_id>, spool.run.started.<job_id>.<flow_job_id>, spool.run.ended.<job_id>.<flow_job_id>
//
// Package dispatcher turns every trigger into one run-binary call and one result.
//
//	d, err := dispatcher.New(dispatcher.Config{Bus: bus, SealKey: key, RunBinaryURL: url, Log: log})
//	…
//	err = d.Run(ctx) // until ctx ends and the calls in flight have ended
//
// # The way of a trigger
//
// [Dispatcher.Run] pulls triggers and files off their queues. For each delivery, take (flow.go) calls
//
//   - prepare: settles what needs no call, such as triggers that have ended before or whose job is deleted or
//     disabled; finds the job and its parameters;
//   - admit: counts the run against the quota of its owner;
//   - attempt, on a worker: checks that nothing speaks against the call (a newer slot, a run that has not ended, an
//     earlier call under retry_for 0s), then makes the call;
//   - finish: retries, or stores the end of the trigger and acks it.
//
// # Guarantees
//
//   - The call is made at least once, always with the trigger's id as its Idempotency-Key; with retry_for 0s at most
//     once.
//   - The end of a trigger is entered into a ledger, then stored as its result; then the trigger is acked. For a
//     trigger that was delivered before, or stored before this process connected, the ledger is asked before a call is
//     made, and what is missing of its end is done.
//   - While this process and its broker live, nothing is called twice, however slow the disk: a delivery whose ack is
//     not confirmed gets heartbeats, and counts as in work.
//   - A call that fails for a reason that may pass is retried with backoff, which no restart shortens, until retry_for
//     after the trigger was stored. After that the trigger leaves a dead letter and an ERROR result. Triggers that wait
//     for a retry hold no worker and do not stop their queue; STATE shows them.
//   - When an endpoint refuses five connections in a row, the circuit breaker opens: one call every few seconds probes
//     the endpoint until it is back.
//   - Queues take turns: there is one for each kind of trigger, and one for the files of each job. Within a queue,
//     calls begin in its order but overlap. Each dispatcher calls at most max_concurrency files of one job at once.
//   - In a job with overlap queue or skip, no call is made before the run of the trigger before has ended, whichever
//     dispatcher called for it.
//   - Under catch_up latest, a slot that was not called before a newer slot of its job was due is superseded: it gets a
//     verdict, and no result.
//   - With TrackRuns, the runs of an endpoint that is not the built-in runner get the same run events as the built-in
//     runner's, each once, until they end or TrackFor is over.
//   - Triggers of a deleted job are dropped. Files and slots of a disabled job wait, without delaying other jobs, until
//     it is enabled. Manual triggers and retries of dead letters are called for all the same.
package dispatcher
