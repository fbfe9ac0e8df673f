// In:  spool.runqueue.<pool>.<flow_job_id>, spool.run.cancelling.<job_id>.<flow_job_id>
// Out: spool.runkey.<pool>.<flow_job_id>, spool.runqueue.<pool>.<flow_job_id>, spool.run.accepted.<job_id>.<flow_job_id>, spool.run.started.<job_id>.<flow_job_id>, spool.run.cancelling.<job_id>.<flow_job_id>, spool.run.ended.<job_id>.<flow_job_id>
//
// Package runner is the built-in endpoint of the Run Binary API: it accepts
// runs, starts each as a process of this host, and says how it ended.
//
// # A flow
//
// A flow is any executable file. It is called with two host paths,
//
//	binary_path <input_dir> <output_dir>
//
// in the output folder, with an empty standard input, its output going to
// <data>/runs/<flow_job_id>/run.log, and with this environment alone: PATH,
// HOME, TMPDIR and LANG of the runner, SPOOL_JOB_ID (empty for a direct call),
// SPOOL_RUN_ID, SPOOL_INPUT_DIR, SPOOL_OUTPUT_DIR, SPOOL_TAGS (a JSON list) and
// SPOOL_RUNTIME_CONFIG (a JSON object). Exit status 0 is OK; anything else ends
// the run with ERROR. It leads a process group of its own; what is left of the
// group when it exits is killed before the run counts as ended.
//
// # Guarantees
//
//   - One run for each Idempotency-Key of an owner, whatever restarts. A call
//     that comes again is answered as the first was, even when its files are
//     gone by then. Without a key every call is a run.
//   - A run that was accepted ends: `accepted`, then one `started` for each
//     attempt, then exactly one `ended`, in this order. Runs overlap and have
//     no order among themselves.
//   - No flow runs without its `started` event. The process waits at a gate
//     ([Shim]) until that event, which identifies it, is stored.
//   - At any time at most one process group of a run is alive. When this
//     process dies, by kill -9 too, its flows go on without it; the runner that
//     gets the run next kills that group, waits until it is gone, and starts
//     the flow again as the next attempt. Then the folder that belongs to the
//     run alone (output_has_run_id) is emptied first; any other is left as it is.
//   - A run that ended never starts again. A flow that finished, but whose
//     `ended` was not stored when this process died, runs again.
//   - A group is proven dead by its host, the boot of its kernel, its process id
//     and the start time of that process. Where that proves nothing (another
//     host; a group without its leader whose members are not known to be the
//     flow's) the run waits, and the log says for what. Processes that leave
//     their group are not found.
//   - A call that says what its input looked like when it was taken
//     ([events.HeaderFile]: it is a link to a file that people can write to) is
//     refused as superseded when it looks different by now; so ends its run when
//     that is seen before the flow begins. Changed while the flow ran, the run
//     ends with ERROR and says so: what the flow has read is unknown.
//   - While NATS is away flows go on and their `ended` is published when it is
//     back; calls are refused with 503 and Retry-After.
//   - When the context of [Runner.Run] ends, flows get SIGTERM, after 3 s
//     SIGKILL. Their runs have no `ended` then; they are handed back and start
//     again as the next attempt. Run returns within 4 s, and after it has
//     returned no process that it started is left.
package runner
