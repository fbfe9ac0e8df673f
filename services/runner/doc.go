// In:  spool.job.<job_id>, spool.seen.<job_id>.>, spool.again.<job_id>.>, spool.runqueue.<pool>.<flow_job_id>, spool.pausedrun.<job_id>.<flow_job_id>, spool.run.cancelling.<job_id>.<flow_job_id>
// Out: spool.dead.<job_id>, spool.runkey.<pool>.<flow_job_id>, spool.runqueue.<pool>.<flow_job_id>, spool.pausedrun.<job_id>.<flow_job_id>, spool.run.accepted.<job_id>.<flow_job_id>, spool.run.started.<job_id>.<flow_job_id>, spool.run.cancelling.<job_id>.<flow_job_id>, spool.run.retrying.<job_id>.<flow_job_id>, spool.run.ended.<job_id>.<flow_job_id>
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
// in the output folder, with an empty standard input, and with this environment
// alone: PATH and LANG of the runner, HOME and TMPDIR (a private folder, removed
// when it ends), SPOOL_JOB_ID (empty for a direct call), SPOOL_RUN_ID, SPOOL_ATTEMPT (1, 2, …),
// SPOOL_INPUT_DIR, SPOOL_OUTPUT_DIR, SPOOL_TAGS (a JSON list),
// SPOOL_RUNTIME_CONFIG (a JSON object), SPOOL_RESULT (a path for a file), and from a
// dispatcher SPOOL_SLOT, or SPOOL_FILE, SPOOL_NAME and SPOOL_STEM. A dispatcher may
// send a command in place of a binary (see [events.Command]). Exit status 0 is OK; anything else ends
// the run with ERROR. It leads a process group of its own, and no descriptor but
// the standard three is open in it. On Linux everything that descends from it is
// killed before the run counts as ended, whatever it has done to get away; on
// macOS what is left of its group.
//
// Binary, input and output folder are opened once, below the roots of their
// drives, and the flow gets what was opened then. What is not there, or is not the
// same any more when the flow is shut in, ends the run with ERROR.
//
// What it prints is read as fast as it comes and kept in
// <data>/runs/<flow_job_id>/run.log: the first 15 MiB and the last MiB. What is
// left out, and a disk that is full, is said there and in the message of the
// run; neither holds the flow up. Logs are kept for 30 days.
//
// # Bounds
//
// With [Config.Sandbox] (Linux, Landlock) a flow and all that descends from it
// may read and execute its binary, /usr, /bin, /sbin, /lib* and
// [Config.ReadPaths]; read its input and of /etc what programs cannot do
// without (see public: names of users and hosts, certificates, fonts, types of files,
// zones, settings of languages; no private keys); read and
// write, not execute, its output folder and TMPDIR; use /dev/null, zero, full,
// random and urandom; and nothing else of the file system. Where the kernel
// grants them it has a user (but for root), pid, ipc and mount namespace of its own,
// and a root folder in which nothing else is even seen, read-only but for output and
// TMPDIR, which is /tmp, too, and a /dev/shm of its own; there is a /proc with its own
// processes, where one can be mounted. What of these is not to be had is said in run.log
// and in the run's started event. It
// cannot bind a TCP port (Linux 6.7, unless [Config.Listen]), waits for connections at
// sockets in its folders alone, and from Linux 6.12 it
// reaches neither processes outside by signals nor abstract sockets. It gains no
// privileges by set-user-ID programs, and package seccomp says which system calls it
// is denied.
//
// When this process is root, flows are [Config.FlowUser], or, shut in, root without
// any capability. What belongs to somebody who lets nobody else read it, and output
// and TMPDIR, are mounted so that the flow's user owns them there (idmapped mounts);
// on disk they stay their owner's. Where that cannot be, FlowUser becomes the owner
// of the output folder, if no other run has it, and of TMPDIR; a file that the flow
// may not read then ends the run, by its name.
//
// With [Config.Offline] it cannot make a socket of any kind, nor use io_uring or the
// system calls of another architecture; pairs of sockets connected to each other it can.
//
// Everywhere on Linux: no file larger than [Config.MaxFileSize], 4096 open files
// a process, no core files, and no more than [Config.MaxProcesses] of its user,
// which the kernel does not hold root to. [Config.Memory] bounds the memory of a flow
// by a control group, or of each process by its data (RLIMIT_DATA). Processor time is
// not bounded.
//
// What the profiles grant that the job of a run names ([events.Profile], [Config.Profiles])
// its flow gets beside all that, and with it a process of its own where that is about networks.
//
// What of this a host cannot do, [Runner.Lacks] says; needs.go is the table of what
// flows are to be kept from, and of the ways to do that. With SandboxAuto no flow
// starts where something is lacking and anybody but administrators has a token with
// which to write flows. SandboxRequired makes [New] fail; best-effort goes without.
//
// # Guarantees
//
//   - One run for each Idempotency-Key of an owner, whatever restarts, until 7
//     days after its end (less when four fifths of RUNS are full: the oldest keys
//     go first). A call that comes again is answered as the first was, even when
//     its files are gone by then. Without a key every call is a run.
//   - A run that was accepted ends: `accepted`, then one `started` for each
//     attempt, with a `retrying` between two where the first has failed, then exactly
//     one `ended`, in this order. Runs overlap and have no order among themselves.
//   - A failed attempt is followed by another when the job says so
//     ([events.Retries]), after a backoff that no death shortens or repeats: its end
//     is kept in `retrying`. While a run waits it is not ended, cancelling ends it at
//     once, and when its job is deleted by then it ends as its last attempt did. What
//     was cancelled, and a file that has changed, are not tried again.
//   - No attempt begins while the job is disabled, but of runs that somebody asked for:
//     the run waits, in no place of the queue, until the job is enabled; when it is
//     deleted instead, the run ends as cancelled.
//   - A start that fails for a reason that may pass is tried again with growing pauses,
//     for some minutes, beside the job's own retries; then the run ends, after a dead
//     letter. The stage of a file that is gone is made again from the file, if that is
//     as it was.
//   - No flow runs without its `started` event. The process waits at a gate
//     (package cell) until that event, which identifies it, is stored. Two processes
//     wait there ahead of time, so that a run need not wait for its own.
//   - At any time at most one attempt of a run is alive. When this process dies,
//     by kill -9 too, its flows are killed at once by their guards (macOS: they go on
//     until they print); the runner that gets the run next makes sure of it and
//     starts the flow again as the next attempt. Then the folder that belongs to the
//     run alone (output_has_run_id) is emptied first; any other is left as it is.
//   - A run that ended never starts again. A flow that finished, but whose
//     `ended` was not stored when this process died, runs again, unless its outputs were
//     being placed.
//   - Outputs of a job with [events.Placement] are written to a folder that is the run's
//     alone and hidden. When the flow has ended OK they are synced and moved to their
//     places, below the output folder that was opened when the run began, through no
//     link; then `ended` names the places. Whenever this process dies, each is at one
//     place, whole, and the runner that gets the run next moves the others. Where one
//     cannot be placed the run ends with ERROR, and all lie in the folder of the run, but
//     with `replace` those that were placed already. Links and special files stay there.
//   - A run that was under way at three deaths of its runner is not started a
//     fourth time: it ends with ERROR and "poison: …". Attempts that failed, and those
//     that a runner gave up alive, because it was stopped or lost the run to another, do not count.
//   - A flow is proven dead by its host, the boot of its kernel, and the process id
//     and start time of its guard (macOS: of the flow). Where that proves nothing
//     (another host; a process group without its leader whose members are not known
//     to be the flow's) the run waits, and the log says for what.
//   - A flow that runs for longer than settings.step_timeout (seconds; 0, -1 or
//     disable_step_timeout for no limit; where the job names none, see
//     [Config.StepTimeout]) gets SIGTERM, after 3 s SIGKILL, and its run ends ERROR
//     with "step_timeout: …".
//   - POST /api/v1/jobs/cancel {"job_id": …}, by the owner or an administrator
//     who may start runs, ends a run with ERROR and "cancelled by …": at once when
//     it waits; when it has started its flow is stopped likewise, after a restart
//     at the latest. The answer is that of /api/v1/jobs/status. A run that has
//     ended otherwise is refused.
//   - A call that says what its input looked like when it was taken
//     ([events.HeaderFile]: it is a link to a file that people can write to) is
//     refused as superseded when it looks different by now; so ends its run when
//     that is seen before the flow begins. Changed while the flow ran, the run
//     ends with ERROR and says so: what the flow has read is unknown.
//   - While NATS is away flows go on and their `ended` is published when it is
//     back; calls are refused with 503 and Retry-After.
//   - When the context of [Runner.Run] ends, no more runs are begun, and flows go
//     on for [Config.Drain] at most. Those that are left get SIGTERM, after 3 s
//     SIGKILL. Their runs have no `ended` then; they are handed back and start
//     again as the next attempt. Run returns within Drain and 4 s, and after it
//     has returned no process that it started is left.
package runner
