// In:  spool.job.>, spool.result.>, spool.run.>, spool.dead.>, spool.slot.>, spool.slot.<job_id>, spool.state.>, spool.state.role.>, spool.state.*.<job_id>, spool.jobkey.<hash>, spool.seen.<job_id>.>, spool.held.<job_id>.>, spool.file.<job_id>.<fingerprint>, spool.clock, spool.trigger.cron.<job_id>, spool.paused.<job_id>.>, spool.pausedrun.<job_id>.>, spool.pausedrun.<job_id>.<flow_job_id>, spool.runkey.<pool>.<flow_job_id>, spool.runqueue.<pool>.<flow_job_id>, spool.again.<job_id>.>, spool.file.<job_id>.>, spool.notification.undelivered.<job_id>.<about>.<seq>.<channel>, spool.subscriber.>, spool.subscriber.<name>, spool.verdict.<job_id>, spool.backlog.<job_id>, spool.notification.state.<job_id>.<about>, spool.ack.>, spool.ack.<job_id>.<hash>, spool.notification.again.<job_id>.<flow_job_id>.<channel>, spool.trigger.{manual,retry,cron}.<job_id>, spool.paused.<job_id>.<hash>, spool.bulk.>, spool.bulk.<id>, spool.bulkitems.<list>.<n>, spool.drive.>, spool.place.>, spool.state.*.<job_id>.*
// Out: spool.job.<job_id>, spool.jobkey.<hash>, spool.seen.<job_id>.<path_hash>.<fingerprint>, spool.state.marklist.<id>, spool.trigger.manual.<job_id>, spool.trigger.retry.<job_id>, spool.again.<job_id>.<path_hash>.<generation>, spool.run.cancelling.<job_id>.<flow_job_id>, spool.ack.<job_id>.<hash>, spool.notification.again.<job_id>.<flow_job_id>.<channel>, spool.log.<runner>, spool.output.<runner>, spool.cancel.<runner>, spool.bulk.<id>, spool.bulkitems.<list>.<n>
//
// Package gateway serves the HTTP APIs: a call becomes a job event or a manual trigger;
// job events and results become answers.
//
//	g, err := gateway.New(gateway.Config{Bus: bus, Keys: keys, DataDir: dir, Log: log})
//	server := &http.Server{Handler: g.Handler()}
//	err = g.Run(ctx) // blocks; until the gateway is ready its handler answers 503
//
// The calls are in packages named after the version of their API (v1, v2); what a call
// changes is decided in change; how requests are read and answers written is in wire.
// This package holds what all calls share: the middleware (authentication, limits, log),
// the cache of the jobs, and the index of the results.
//
// # Guarantees
//
//   - A change is answered after the broker has stored it. The jobs are cached: a list
//     waits until the cache includes every change acknowledged before the request;
//     changes are decided on what the broker's leader holds.
//   - Any number of gateways may run; they share nothing but the broker.
//   - Results are shown as they come, in their order, one for each trigger; of
//     two results of one trigger the later one counts.
//   - A token is valid until it is revoked or expires. After 5 s without contact to the
//     broker every token gets 503, since a revocation could go unheard.
//   - Nothing under /api is answered without a valid token, except what a
//     mounted service lets in by the dispatcher's secret, and no page (ui) without
//     a session, except the one to log in at; and nothing at all before
//     [Gateway.Check] first says nil: until then the answer is 503. That page and
//     the documentation of the API are public, at any time.
//   - The results of a deleted job are purged a little later, and at every
//     start for deletions that went unseen; purging twice is harmless.
//   - No log line holds a header, a query string or a body.
//
// After [Gateway.Run] has returned the handler answers 503.
//
// # Files
//
// DataDir/admin.token is the bearer token of the user "admin", readable by its
// owner only. The first start makes it; a start that finds it enters it into
// the broker's bucket TOKENS when it is not there, so that either side can be
// lost.
package gateway
