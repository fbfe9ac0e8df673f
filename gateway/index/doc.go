// Package index is what the gateway's lists, counts and searches are answered from: of every
// job how it stands and when it runs next, and of every execution that is kept how it came out.
//
//	x := index.New(bus, zone, called)
//	go x.Run(ctx)              // follows RESULTS, RUN_EVENTS, SLOTS and STATE
//	x.Apply(revision)          // of every job, from the feed
//	rows, total, more := x.List(index.Page{Filter: index.Filter{State: index.StateFailing}, By: index.ByNext, Limit: 50}, time.Now())
//
// # How an execution stands
//
// The outcome of an execution is the worst of its call and its run: what its run has said last,
// else how its call came out ([events.Outcome]). Both are read from the heads of their
// messages, and joined by the trace of their trigger. They come in any order, and twice:
// it makes no difference. An execution whose run says nothing for ten minutes is not_kept.
//
// A job stands as its execution that finished last. It is failing when that failed or was given up
// and nobody has acknowledged that.
//
// # Guarantees
//
//   - [Index.Check] says nil when the newest execution of each job is known, with its run. All
//     older ones are read behind that into a second history, which then takes the place of the
//     first; [Index.KnownFrom] says since when everything is known, and [Index.Filled] waits.
//   - An execution takes 36 bytes, and there is no map of them: one is found through its job, whose
//     executions are a list. What the stream has dropped is dropped within a minute.
//   - Times of executions are those of the stream that stored them, to the second.
//   - A page of a list begins behind a place, not at a number: jobs that come, go or change meanwhile move nothing.
//     In the order of what changes (next, last, outcome) a job that changes may be on two pages or none.
//   - Next runs are computed once a minute for each schedule, which jobs share.
package index
