// Package events is the language that Spool's services speak: jobs, triggers,
// results and runs, the subjects they travel on, and the paths and errors they
// mention. It does no I/O; package jet puts the same language on JetStream.
//
// Words. A job has a schedule or watches a folder. A slot is one nominal minute
// of one cron job. A trigger asks for one execution (one run-binary call),
// which starts one run (one flow process), which ends.
//
// Guarantees that the types carry and the services keep:
//
//   - A [Trigger] has an identity that does not depend on who made it or when.
//     It is the Idempotency-Key of the run-binary call and the message id of
//     the [Result].
//   - Bodies are JSON, one Go type each. Fields may be added, never renamed; a
//     reader ignores what it does not know.
//   - Names of users and files never stand in a subject unencoded.
package events
