// In:  -
// Out: -
//
// Package record keeps what a run leaves on the host of its runner, in the folder
// <data>/runs/<flow_job_id>:
//
//   - run.log, what its attempts print: the first 15 MiB and the last MiB of each ([Log]).
//   - tmp, HOME and TMPDIR of its flow while that lives ([Private]).
//   - stops, the attempts that a runner gave up alive ([Folder.NoteStop]).
//
// [Open] opens the folder and makes it when it does not exist; the caller closes it. Other
// packages keep files of their own in it, below [Folder].Root. [ForgetOld] removes folders whose
// logs are old. Nothing here starts a goroutine, and nothing is synced to disk: the events of a
// run are what must not be lost.
package record
