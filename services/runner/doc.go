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
// in the output folder, with an empty standard input, and with this environment
// alone: PATH and LANG of the runner, HOME and TMPDIR (a private folder, removed
// when it ends), SPOOL_JOB_ID (empty for a direct call), SPOOL_RUN_ID,
// SPOOL_INPUT_DIR, SPOOL_OUTPUT_DIR, SPOOL_TAGS (a JSON list) and
// SPOOL_RUNTIME_CONFIG (a JSON object). Exit status 0 is OK; anything else ends
// the run with ERROR. It leads a process group of its own; what is left of the
// group when it exits, and what has left the group but carries SPOOL_RUN_ID and
// SPOOL_OUTPUT_DIR in its environment, is killed before the run counts as ended.
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
// without (ld.so.cache, ssl without its private keys, ca-certificates, passwd,
// group, hosts, resolv.conf, nsswitch.conf, localtime, alternatives); read and
// write, not execute, its output folder and TMPDIR; use /dev/null, zero, full,
// random and urandom; and nothing else of the file system, /proc included. From
// Linux 6.12 it reaches neither processes outside by signals nor abstract sockets.
// It gains no privileges by set-user-ID programs. It keeps those it has: what
// root may do beside files (set the clock, say) is not taken away.
//
// With [Config.Offline] (seccomp and Landlock) it cannot make a socket of any
// kind, nor use io_uring or the system calls of another architecture; pairs of
// sockets connected to each other it can.
//
// Everywhere on Linux: no file larger than [Config.MaxFileSize], 4096 open files
// a process, no core files, and no more than [Config.MaxProcesses] of its user,
// which the kernel does not hold root to. Memory and processor time are not bounded.
//
// SandboxRequired makes [New] fail where the kernel cannot do what is asked;
// best-effort does what it can and logs what is missing.
//
// # Guarantees
//
//   - One run for each Idempotency-Key of an owner, whatever restarts, until 7
//     days after its end (less when four fifths of RUNS are full: the oldest keys
//     go first). A call that comes again is answered as the first was, even when
//     its files are gone by then. Without a key every call is a run.
//   - A run that was accepted ends: `accepted`, then one `started` for each
//     attempt, then exactly one `ended`, in this order. Runs overlap and have
//     no order among themselves.
//   - No flow runs without its `started` event. The process waits at a gate
//     ([Shim]) until that event, which identifies it, is stored. Two processes
//     wait there ahead of time, so that a run need not wait for its own.
//   - At any time at most one process group of a run is alive. When this
//     process dies, by kill -9 too, its flows go on without it, until they print;
//     the runner that gets the run next kills that group, waits until it is gone,
//     and starts the flow again as the next attempt. Then the folder that belongs
//     to the run alone (output_has_run_id) is emptied first; any other is left as
//     it is.
//   - A run that ended never starts again. A flow that finished, but whose
//     `ended` was not stored when this process died, runs again.
//   - A run that was under way at three deaths of its runner is not started a
//     fourth time: it ends with ERROR and "poison: …". Attempts that a runner gave up
//     alive, because it was stopped or lost the run to another, do not count.
//   - A group is proven dead by its host, the boot of its kernel, its process id
//     and the start time of that process. Where that proves nothing (another
//     host; a group without its leader whose members are not known to be the
//     flow's) the run waits, and the log says for what. A process that leaves its
//     group and changes its environment as well is not found.
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
