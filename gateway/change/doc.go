// Package change decides what callers ask of jobs, and stores it: create,
// update, enable, disable, delete, trigger. The packages of the API versions
// read requests and write answers; what they have in common is here.
//
// Guarantees:
//
//   - Changes of one job are ordered. Each is decided on the job as its last
//     event left it, as the broker's leader has it; of two callers who change
//     it at once one decides anew.
//   - A change without an error is stored as durably as the broker stores
//     anything; after an error of code Unavailable it may be stored or not.
//   - Secrets are stored sealed, and masked where they stood.
//   - A job of somebody else is, to those who are not administrators, a job
//     that does not exist.
//   - A job is made, changed, enabled and triggered only by who reaches all its
//     paths with the token that asks ([events.Access]).
package change
