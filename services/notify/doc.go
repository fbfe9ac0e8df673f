// In:  spool.run.<started,ended>.>, spool.result.>, spool.dead.>, spool.slot.>, spool.state.watch.<job_id>, spool.seen.<job_id>.>, spool.job.<job_id>, spool.runkey.<flow_job_id>, spool.notification.state.>
// Out: spool.run.undelivered.<job_id>.<flow_job_id>.<channel>, spool.notification.state.<job_id>.<about>, spool.notification.undelivered.<job_id>.<about>.<seq>.<channel>
//
// Package notify tells people and programs how runs ended: the webhook of the
// job, and e-mail to its notification_emails; and whom the job's spool.notify names,
// when its state changes. It is an ordinary subscriber, and the example for others:
// durable consumers on the streams that are there, and no state of its own.
//
// # States
//
// A job is well or not in each of six respects ([events.Respects]). An observer finds
// out when that changes: from what happens, by durable consumers on runs, results and
// verdicts, and every minute from what did not happen. A change is a message of its job
// and respect in NOTIFICATIONS, committed on condition that the one before is still the
// last: so of several processes, and before and after a crash, one has it told. The
// channels take the notices from there. A run that has started is a message that comes
// again until the run has ended; the broker keeps when.
//
// # Guarantees
//
//   - Every end of a run of the built-in runner is told at least once to the
//     webhook that its job has now, and to each address that it has now; what is
//     told again carries the same webhook-id or Message-ID.
//   - A delivery that fails is tried again after 5 s, 1 min, 5 min, 30 min, 2 h,
//     5 h and 10 h. What waits is kept by the broker: which notice in the
//     consumer's pending set, until when in its redelivery time, how often in its
//     delivery count. A kill -9 of anything delays a delivery by at most the 10 s
//     after which the broker takes it for abandoned; an acknowledgement that had
//     not reached the disk repeats one.
//   - A delivery that is given up is an event of its run (undelivered), shown with
//     the run by the native API, beside a log line and a metric.
//   - A receiver that fails or hangs delays only the notices of its own job: each
//     job has 8 deliveries at a time, and one while its last has failed. Notices
//     are not ordered.
//   - No more than 100,000 notices of one channel wait at a time. When nine in ten of
//     these places are taken, what fails is given up, so that nobody waits
//     behind those that fail.
//   - A webhook connects to no link-local or metadata address, and to none of a private
//     network or the server itself unless an administrator's token set its URL, whatever
//     its name resolves to when it is dialled; it follows no redirect, and nothing that
//     it answers but the HTTP status is shown to anybody. Whether a host is denied or
//     does not exist is in the log only.
//   - A change of a job's state is told once by each channel that the job asks for at
//     the time; told again after a crash it has the same webhook-id or Message-ID. A
//     state that goes on is not told again.
//   - A heartbeat is called after each run that ended OK, and tried again for 6 minutes.
//   - E-mail goes to the domains that Config.MailDomains allows when it is sent.
//   - Notices of a deleted job are dropped. Runs that another endpoint performed, and
//     runs that were asked for without a job, are not told.
//
// After [Notify.Run] has returned nothing is sent any more.
package notify
