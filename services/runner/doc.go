// In:  spool.job.<job_id>, spool.seen.<job_id>.>, spool.again.<job_id>.>, spool.runqueue.<pool>.>, spool.runkey.>, spool.pausedrun.>, spool.run.*.<job_id>.<flow_job_id>, spool.run.cancelling.>, spool.state.lease.*, spool.state.lease.<id>, spool.state.role.>, spool.place.>, spool.log.<runner>, spool.output.<runner>, spool.cancel.<runner>
// Out: spool.dead.<job_id>, spool.state.runner.<id>, spool.state.lease.<id>, spool.runkey.<pool>.<flow_job_id>, spool.runqueue.<pool>.<flow_job_id>, spool.pausedrun.<job_id>.<flow_job_id>, spool.run.accepted.<job_id>.<flow_job_id>, spool.run.started.<job_id>.<flow_job_id>, spool.run.cancelling.<job_id>.<flow_job_id>, spool.run.retrying.<job_id>.<flow_job_id>, spool.run.ended.<job_id>.<flow_job_id>
//
// Package runner is the built-in endpoint of the Run Binary API: it accepts runs, starts each as a
// process of this host, and stores how it ended.
//
//	r, err := runner.New(runner.Config{Bus: bus, Keys: keys, Drives: drives, DataDir: dir, Log: log})
//	r.Routes(router)   // the Run Binary API and the Job API
//	err = r.Run(ctx)   // performs runs until ctx ends, then drains
//
// How a run goes, a file for each step:
//
//	accept.go   a call becomes a run in the queue
//	queue.go    a delivery is taken, and settled when the run has ended
//	perform.go  one attempt from its beginning to its end
//	next.go     the attempt before is proven dead; which attempt is due, if any
//	start.go    folders, log and places are opened, a warm process gets its command
//	record.go   `started` is stored; then the flow begins, and perform waits for its end
//	finish.go   how it ended is found out, outputs are placed
//	retry.go    `ended` is stored, or `retrying` with the time of the next attempt
//
// The rooms below know nothing of runs: process starts flows and keeps warm processes, cell is what
// runs in them, reaper kills what a dead runner left, cgroup bounds memory and processor time,
// record keeps a run's folder and log, place moves outputs, denial explains what the sandbox
// denied, seccomp is the filter of system calls.
//
// # A flow
//
// A flow is any executable file. It is called with two host paths,
//
//	binary_path <input_dir> <output_dir>
//
// in the output folder, with an empty standard input, and with this environment alone: PATH and
// LANG of the runner, HOME and TMPDIR (a private folder, removed when it ends), SPOOL_JOB_ID (empty
// for a direct call), SPOOL_RUN_ID, SPOOL_ATTEMPT (1, 2, …), SPOOL_INPUT_DIR, SPOOL_OUTPUT_DIR,
// SPOOL_TAGS (a JSON list), SPOOL_RUNTIME_CONFIG (a JSON object), SPOOL_RESULT (a path for a file),
// and from a dispatcher SPOOL_SLOT, or SPOOL_FILE, SPOOL_NAME and SPOOL_STEM. A dispatcher may send a
// command instead of a binary (see [events.Command]). Exit status 0 is OK; anything else ends the
// run with ERROR. The flow leads a process group of its own, and only the standard three descriptors
// are open in it. On Linux everything that descends from it is killed before the run counts as ended,
// whatever it did to escape; on macOS what is left of its process group is.
//
// Binary, input and output folder are opened once, below the roots of their drives, and the flow
// gets what was opened. When one of them does not exist, or is no longer the same when the flow is
// shut in, the run ends with ERROR.
//
// What it prints is read as fast as it comes and kept in <data>/runs/<flow_job_id>/run.log: the first
// 15 MiB and the last MiB. What is left out, and a full disk, is noted there and in the message of
// the run; neither holds up the flow. Logs are kept for 30 days.
//
// # Bounds
//
// With [Config.Sandbox] (Linux, Landlock) a flow and everything that descends from it may read and
// execute its binary, /usr, /bin, /sbin, /lib* and [Config.ReadPaths]; read its input, and of /etc
// what programs need (see public: names of users and hosts, certificates, fonts, types of files,
// zones, settings of languages; no private keys); read and write, but not execute, its output folder
// and TMPDIR; use /dev/null, zero, full, random and urandom; and nothing else of the file system.
// Where the kernel grants them it has a user (except for root), pid, ipc and mount namespace of its
// own, and a root folder that contains nothing else, read-only except output and TMPDIR, which is
// also /tmp, and a /dev/shm of its own; and, where one can be mounted, a /proc with only its own
// processes. What is missing of these is noted in run.log and in the run's started event. It cannot
// bind a TCP port (Linux 6.7, unless [Config.Listen]), listens only on sockets in its own folders,
// and from Linux 6.12 reaches neither processes outside by signals nor abstract sockets. It gains no
// privileges by set-user-ID programs. Package seccomp lists the system calls it is denied.
//
// When this process is root, flows run as [Config.FlowUser], or, shut in, as root without any
// capability. What another user owns and nobody else may read, and output and TMPDIR, are mounted so
// that the flow's user owns them there (idmapped mounts); on disk the owner stays. Where that is not
// possible, FlowUser becomes the owner of TMPDIR, and of the output folder if no other run uses it; a
// file that the flow may not read then ends the run, by its name.
//
// With [Config.Offline] a flow cannot make a socket of any kind, nor use io_uring or the system calls
// of another architecture. It can make pairs of connected sockets.
//
// Everywhere on Linux: no file larger than [Config.MaxFileSize], 4096 open files a process, no core
// files, and no more than [Config.MaxProcesses] of its user, which the kernel does not enforce for
// root. [Config.Memory] bounds the memory of a flow by a control group, or of each process by its
// data (RLIMIT_DATA). Processor time is not bounded.
//
// A flow also gets what the profiles that its job names grant ([events.Profile], [Config.Profiles]),
// and a process of its own instead of a warm one where they concern networks.
//
// [Runner.Lacks] says what of this a host cannot do; needs.go is the table of what flows are kept
// from, and of the ways to do it. With SandboxAuto no flow starts where something is lacking and
// anyone but administrators has a token that may write flows. With SandboxRequired [New] fails;
// best-effort goes without.
//
// # Guarantees
//
//   - One run for each Idempotency-Key of an owner, whatever restarts, until 7 days after its end
//     (less when RUNS is four fifths full: the oldest keys go first). A repeated call gets the
//     first answer, also when its files are gone. Without a key every call is a run.
//   - An accepted run ends: `accepted`, then one `started` for each attempt, with a `retrying`
//     between two of them where the first failed, then exactly one `ended`, in this order. Runs
//     overlap, in no order.
//   - A failed attempt is followed by another when the job says so ([events.Retries]), after a
//     backoff that no restart shortens or repeats: its end is stored in `retrying`. A run in
//     backoff has not ended: cancelling ends it at once, and when its job is deleted it ends as
//     its last attempt did. A cancelled run, and one whose file has changed, is not retried.
//   - No attempt begins while the job is disabled, except of runs that were started by hand: the
//     run leaves the queue until the job is enabled; when the job is deleted it ends as cancelled.
//   - A start that fails for a reason that may pass is retried with growing pauses for some
//     minutes, beside the job's own retries; then a dead letter is stored and the run ends. When
//     the stage of a file is gone it is made again from the file, if that has not changed.
//   - No flow runs without its `started` event, which identifies its process. A warm process
//     (package process) waits for that event to be stored. Two of them are kept, so that a run
//     need not wait for one to start.
//   - At most one attempt of a run is alive at any time. When this process dies, also by kill -9,
//     the guards kill its flows at once (macOS: flows go on until they print). The runner that
//     gets the run next makes sure of it and starts the flow as the next attempt. It empties the
//     folder that belongs to the run alone (output_has_run_id) first, and no other.
//   - A run that ended never starts again. A flow that finished, but whose `ended` was not stored
//     when this process died, runs again, unless its outputs were being placed.
//   - Outputs of a job with [events.Placement] are written to a hidden folder of the run. When the
//     flow has ended OK they are synced and moved to their places, below the output folder that
//     was opened when the run began, through no link; then `ended` names the places (package
//     place). Whenever this process dies each file is at one place, whole, and the runner that
//     gets the run next moves the others. When one cannot be placed the run ends with ERROR and
//     all stay in the folder of the run, except, with `replace`, those that were placed already.
//     Links and special files stay there.
//   - A run that was under way when its runner died three times is not started a fourth time: it
//     ends with ERROR and "poison: …". Attempts that failed do not count, nor those that a runner
//     gave up alive, because it stopped or lost the run to another.
//   - A flow is proven dead by its host, the boot id of the host's kernel, and the process id and
//     start time of its guard (macOS: of the flow). When that proves nothing (another host; a
//     process group without its leader whose members cannot be identified) the run waits, and the
//     log says for what.
//   - A flow that runs longer than settings.step_timeout (seconds; 0, -1 or disable_step_timeout
//     for no limit; when the job names none, [Config.StepTimeout]) gets SIGTERM, after 3 s
//     SIGKILL, and its run ends ERROR with "step_timeout: …".
//   - POST /api/v1/jobs/cancel {"job_id": …}, by the owner or an administrator who may start runs,
//     ends a run with ERROR and "cancelled by …": at once when it has not started, otherwise by
//     stopping its flow as above, after a restart at the latest. The answer is that of
//     /api/v1/jobs/status. For a run that has ended otherwise the call is refused.
//   - Gateways, and nobody else, ask over NATS for the log of a run, for what it has written and for
//     its end (asked.go; in which account is in services/broker). The runner is the one that started
//     its last attempt: the id of its data folder (<data>/runner.id) is in the event. A place in a
//     log is one in run.log, in which what stands stays; what a full log has no room for until the
//     attempt ends has no place until then.
//   - A call that says what its input looked like when it was taken ([events.HeaderFile]: it is a
//     link to a file that users can write to) is refused as superseded when the file looks
//     different by now. When that is seen before the flow begins its run ends so; when the file
//     changed while the flow ran, the run ends with ERROR and says so.
//   - While NATS is away flows go on, and their `ended` is published when it is back. Calls are
//     refused with 503 and Retry-After.
//   - When the context of [Runner.Run] ends, no more runs begin, and flows go on for [Config.Drain]
//     at most. Those that are left get SIGTERM, after 3 s SIGKILL; their runs get no `ended`, are
//     returned to the queue and start again as the next attempt. Run returns within Drain and 4 s,
//     and leaves no process that it started.
package runner
