// Package stream answers GET /api/v2/events: server-sent events from JOBS,
// RESULTS and RUN_EVENTS, as they are stored. An event is named job, result or
// run; its data is the stored JSON, a job's without its sealed secrets, and with the
// origin alone of the URL of its webhook.
//
// Guarantees:
//
//   - Who sees what: everybody the jobs, results and runs of their own, an
//     administrator all of them. Results of a job that is deleted are shown to
//     administrators only. The token is checked again every few seconds; when it
//     is revoked or has expired the stream ends.
//   - Order: the events of one stream come in the order in which they were
//     stored. Between two streams there is no order.
//   - Resuming: the id of an event, such as j12-r345-u67, is the sequence in each
//     stream up to which everything was delivered. A client that sends the last
//     id it saw (Last-Event-ID) gets all that was stored since and still is, at
//     least once; from any gateway, and across restarts of gateway and broker.
//     Without an id it gets what is stored from now on.
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
