// Package v1 serves the six calls of the Instabase v1 Scheduler API, in the shapes of its
// documentation and nothing beside them.
//
//	v1.New(v1.Config{Changes: changes, Jobs: jobs, Results: results, Caller: caller, Log: log}).Routes(router)
//
// Every handled outcome is HTTP 200: {"status":"OK",…} or
// {"status":"ERROR","msg":"…"}. Other statuses carry the ERROR body as well;
// the table that chooses among them is in error.go. A msg names the field at
// fault and what would be right; it never holds a secret or anything internal.
//
// # Guarantees
//
//   - OK to a change means that the change is stored as durably as the broker
//     stores anything. 503 means that it is not stored, or that its fate is unknown:
//     repeating enable_job, disable_job and delete_job is harmless, repeating
//     create_job or trigger_job may do it twice.
//   - Changes of one job are ordered. Each is decided on the job as its last
//     event left it; of two concurrent changes one is decided again.
//   - list_jobs shows every change that was acknowledged before the request.
//     Results appear as they come, the same execution once.
//   - list_jobs is streamed: its memory does not grow with the number of jobs.
//     When it cannot go on after its first byte it breaks the connection; a
//     well-formed list is a complete one.
//   - What a client sent in create_job comes back value for value: unknown
//     keys, key order and number literals as written, secrets masked.
package v1
