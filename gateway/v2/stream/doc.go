// Package stream answers GET /api/v2/events: server-sent events from JOBS, RESULTS,
// RUN_EVENTS, SLOTS, DEADLETTERS and STATE, as they are stored. An event is named job,
// result, run, slot, dead, watch, file, retry or system; its data is the stored JSON, a
// job's without its sealed secrets, and with the origin alone of the URL of its webhook. A
// dead letter has its id beside its last call; system is a line of GET /api/v2/system, which
// comes when a role has started, is ready or not, or stops.
//
// Guarantees:
//
//   - Who sees what: everybody the jobs, results and runs of their own, an
//     administrator all of them. Results of a job that is deleted are shown to
//     administrators only. How the roles are is for everybody, on which host for
//     administrators only. The token is checked again every few seconds; when it
//     is revoked or has expired the stream ends.
//   - Order: the events of one stream come in the order in which they were
//     stored. Between two streams there is no order.
//   - Resuming: the id of an event, such as j12-r345-u67-s8-d9-t10, is the sequence in each
//     stream up to which everything was delivered. A client that sends the last
//     id it saw (Last-Event-ID) gets all that was stored since and still is, at
//     least once; from any gateway, and across restarts of gateway and broker.
//     Without an id it gets what is stored from now on, with tail=n the last n events
//     before. Of STATE only the newest of each subject is kept, for an hour. The shorter
//     ids of an older version are read, too.
//   - Reading and following: [Stream.Position], taken before something is read, is where to
//     open the stream so that nothing is missed in between.
//   - One client never delays another. Up to 256 events wait for a client; one
//     that falls further behind, or takes nothing for 10 s, is cut off and
//     resumes by its last id. What was missed is read from the broker, a page at
//     a time, by a few clients at once.
//   - Each stream is followed once for a process, however many clients there
//     are.
//   - An idle connection carries a comment every 15 s, with the id that it has
//     reached, so that a client that sees few events does not resume from long ago.
//
// All streams end with [Stream.Run]; before and after it the answer is 503.
package stream
