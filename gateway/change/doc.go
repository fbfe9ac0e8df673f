// Package change decides what callers ask of jobs, and stores it: create, patch, enable,
// disable, delete, trigger, rerun. The packages of the API versions read requests and
// write answers; whatever they do to a job is done here.
//
//	changes := &change.Jobs{Store: bus, Sealer: keys, Log: log}
//	draft, err := changes.Draft(ctx, caller, object) // checked, nothing stored
//	rev, err := changes.Create(ctx, caller, draft)
//	rev, err = changes.Disable(ctx, caller, rev.Event.Job.ID)
//
// # Guarantees
//
//   - Changes of one job are ordered. Each is decided on the job as its last
//     event left it, as the broker's leader has it; of two concurrent changes
//     one is decided again.
//   - A change without an error is stored as durably as the broker stores
//     anything; after an error of code Unavailable it may be stored or not.
//   - Secrets are stored sealed, and masked where they stood.
//   - Another user's job does not exist for a caller who is no administrator.
//   - A job is made, changed, enabled and triggered only by a caller whose token
//     reaches all its paths ([events.Access]).
package change
