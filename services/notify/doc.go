// In:  spool.job.>, spool.run.{started,ended}.>, spool.run.*.<job_id>.<flow_job_id>, spool.result.>, spool.dead.>, spool.slot.>, spool.state.watch.<job_id>, spool.state.watch.<job_id>.*, spool.state.retry.<job_id>, spool.seen.<job_id>.>, spool.runqueue.<pool>.<flow_job_id>, spool.runkey.<pool>.<flow_job_id>, spool.pausedrun.<job_id>.<flow_job_id>, spool.notification.state.>, spool.notification.again.*.*.{webhook,email}
// Out: spool.run.undelivered.<job_id>.<flow_job_id>.<channel>, spool.run.told.<job_id>.<flow_job_id>.<channel>, spool.notification.state.<job_id>.<about>, spool.notification.undelivered.<job_id>.<about>.<seq>.<channel>
//
// Package notify notifies people and programs about runs and jobs: the webhook of a job and its notification_emails
// when a run ends, the receivers in its spool.notify when its state changes, and its heartbeat URL.
//
//	n, err := notify.New(notify.Config{Bus: bus, SealKey: key, WebhookSecretFile: file, Log: log})
//	…
//	err = n.Subscribe(ctx) // from here on nothing is missed
//	err = n.Run(ctx)       // until ctx ends
//
// It is an ordinary subscriber, and the example for others: durable consumers on the streams that exist, and no state
// of its own.
//
// # States
//
// A job is well or not in each of six respects ([events.Respects]). An observer finds out when that changes: from
// events, by durable consumers on runs, results and verdicts, and every minute from what did not happen. A change is a
// message of its job and respect in NOTIFICATIONS, committed on condition that the one before is still the last: of
// several processes, and before and after a crash, one stores it. Channels deliver the notifications from there. The
// start of a run is redelivered until the run has ended; the broker keeps when.
//
// # Guarantees
//
//   - Every end of a run of the built-in runner is delivered at least once to the webhook that its job has now, and to
//     each address that it has now. A repeated delivery carries the same webhook-id or Message-ID.
//   - A delivery that fails is retried after 5 s, 1 min, 5 min, 30 min, 2 h, 5 h and 10 h. The broker keeps what waits
//     for a retry: the notification as an unacked message of the consumer, the time as its redelivery delay, the
//     attempts as its delivery count. A kill -9 of any process delays a delivery by at most the 10 s after which the
//     broker redelivers; an ack that had not reached the disk repeats one.
//   - A delivery that is given up is an event of its run (undelivered), shown with the run by the native API, beside a
//     log line and a metric. So is one that was delivered (told). Whoever may change the job can have what
//     was given up sent again (again.go): to whoever the job names then, with the same webhook-id or
//     Message-ID, and retried like the first time.
//   - A receiver that fails or hangs delays only the notifications of its own job: each job has 8 deliveries in flight,
//     and one while its last has failed. Notifications are not ordered.
//   - At most 100,000 notifications of one channel are unacked at a time. Above nine tenths of that, a delivery that
//     fails is given up at once, so that failing receivers cannot delay all others.
//   - A webhook connects to no link-local or metadata address, and to none of a private network or the server itself
//     unless an administrator's token set its URL, whatever its name resolves to when it is dialled. It follows no
//     redirect, and nothing of the answer but the HTTP status is shown to anybody. Only the log says whether a host is
//     denied or does not exist.
//   - A change of a job's state is delivered once by each channel that the job asks for at the time; a repeat after a
//     crash has the same webhook-id or Message-ID. A state that goes on is not repeated.
//   - A heartbeat is called after each run that ended OK, and retried for 6 minutes.
//   - E-mail goes to the domains that Config.MailDomains allows when it is sent.
//   - Notifications of a deleted job are dropped. There are none for runs that another endpoint performed, nor for runs
//     that were asked for without a job.
//
// After [Notify.Run] has returned nothing is sent.
package notify
