// Package balance accounts for a day of a job: what became of every slot of its
// schedule, of every file that came into its folder, and of what was started by hand.
//
// # Guarantees
//
//   - An entry is one slot, file or execution; slots of which the same is to be said,
//     one after the other, are one entry with their number. What is counted is what is
//     listed: both come out of the same entries.
//   - The slots of a day are as many as the job's schedule had that day, counted by
//     themselves: those of which nothing is known are told as unknown.
//   - The files of a day are those that were entered into the ledger that day, and those
//     that have a result of that day and have left the ledger since.
//   - What moves on while it is read is seen in one place or the next.
package balance
