// Package v2 serves the native API below /api/v2/: jobs, their results, slots and files,
// dead letters, balances, previews, profiles, subscribers and tokens, with HTTP status codes,
// JSON answers, and faults as problems (package wire).
//
//	api := v2.New(v2.Config{Bus: bus, Keys: keys, Changes: changes, Jobs: jobs, Index: index, Caller: caller, Log: log})
//	api.Routes(router)
//
// A new call is one line in [API.Routes] and one function that returns an error.
//
// # Conventions
//
//   - A body is one JSON object of at most 256 KiB. An unknown key, in a body
//     or a query, is refused with the key that was probably meant.
//   - A list has at most limit entries and a next_page_token while there is
//     more. A token is a place, not a page number: what is added or deleted
//     meanwhile moves nothing. A page of jobs says how many there are on all pages;
//     a page of executions can be shorter than limit and have a successor.
//   - Times are RFC 3339 in UTC.
//   - A viewer reads the jobs of its owner, an operator changes them, an
//     administrator has the jobs of every user, and the tokens. Another user's job is
//     404, like one that does not exist.
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
//   - slots accounts for every slot of its span, one by one or in stretches: from the
//     result, the verdict, the queued trigger or the backlog, and otherwise from the
//     clock, which has passed it. Of slots from before the job's history is kept, only
//     what is recorded is shown (known_from).
//   - A revoked token is refused by this process when DELETE is answered, by
//     others within a second; a process that cannot check tokens answers 503.
//   - A dead letter that is retried is dropped after its trigger is queued
//     again, with its first identity; a retry that is cut off in between leaves it.
//
// # Running again
//
// An execution that is run again (rerun, or reprocess of a file that has left its folder)
// is a manual trigger with an identity of its own, since the run-binary API answers a known
// identity with the run that it had. It takes the file's stage: the content as it was. For a
// file that still lies in its folder, reprocess stores a new generation of its path: watchers
// hear of it and queue the file as it is now, within moments.
package v2
