// Package stage puts files where their runs find them: each alone in a folder of its own,
// <drive>/.spool/<job_id>/<fingerprint>.<attempt>/, with the content that its fingerprint stands for.
//
// Open a watched folder with [Open], ask what a name in it is with [Folder.Stat], and stage a batch of files:
//
//	batch := stage.NewBatch(folder, stage.Options{JobID: jobID})
//	staged, err := batch.Add(ctx, file)  // opened, leased, compared with its stat, copied or linked
//	batch.Drop(staged)                   // it is not to run after all
//	err = batch.Sync()                   // on the disk, if so configured
//	err = batch.Close()
//
// # Guarantees
//
//   - A stage belongs to one batch: another batch, of whatever process, builds one of its own for the same file. So
//     what a batch that was cut off has left is never used; the janitor removes it.
//   - A copy is compared with its source when it is complete, a link when it is made: content that changed
//     meanwhile is [ErrChanged], and leaves no stage.
//   - With a lease (Linux) no local process has the file open or mapped for writing; one that opens it while it is
//     copied waits, 10 s at most.
//   - Links are followed to the watched folder as long as they stay in its drive, below it and in the stages nowhere.
//   - Nothing but regular files is opened, and no open waits for a FIFO's writer.
//
// A Folder, a Source and a Batch belong to one goroutine; [Links] and [Activity] are safe for concurrent use.
package stage
