// Package v2 is the native API: HTTP status codes, JSON answers, faults as problems
// (package wire). It is what a gateway serves below /api/v2/ on
// jobs, their results and slots, dead letters, previews and tokens.
//
// # Conventions
//
//   - Bodies are one JSON object of at most 256 KiB. An unknown key, in a body
//     or a query, is a fault that suggests the key that was meant.
//   - A list has at most limit entries and a next_page_token while there is
//     more. A token is a place, not a page number: what is added or deleted
//     meanwhile moves nothing. A filtered page of jobs can be shorter than
//     limit, even empty, and have a successor: it looks at 5,000 jobs at most.
//   - Times are RFC 3339 in UTC.
//   - A viewer reads the jobs of its owner, an operator changes them, an
//     administrator has everybody's and the tokens. A job of somebody else is
//     404, like none.
//
// # Guarantees
//
//   - A change is answered after the broker has stored it. With If-Match it
//     happens only to the revision that the ETag names: of any number of
//     callers with one ETag exactly one succeeds, the others get 412. Without,
//     the last writer wins; what it does not patch it does not touch.
//   - A PATCH keeps the order of keys and the spelling of numbers of what it
//     does not name. A mask where a secret stood leaves the secret as it is.
//     A patch that changes nothing is no event. Slots count anew only when
//     schedule, zone or mode change.
//   - Each execution is listed once, as it came out last. Its run is what the
//     built-in runner has said so far; a run of another endpoint has none.
//   - slots tells what is recorded: verdicts, and the slots whose result is
//     kept. A quiet minute has no entry.
//   - A revoked token is refused by this process when DELETE is answered, by
//     others within a second, and by none that cannot tell: those answer 503.
//   - A dead letter that is retried is dropped after its trigger is queued
//     again, with its first identity; cut off in between it is there still.
//
// # Running again
//
// An execution that is run again, by rerun or reprocess, is a manual trigger
// with an identity of its own, for the run-binary API answers a known identity
// with the run that it had. It takes the file's stage, the content as it was.
// A file without a kept result is taken out of the ledger instead, and the job
// published again: watchers take the file as new when they next look at it,
// which for one that lies there unchanged may be after their next start.
package v2
