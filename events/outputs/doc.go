// Package outputs finds what a run has written, in its output folder, for whoever may see it: a
// gateway that has the drive, and the runner otherwise.
//
//	files, more, err := outputs.List(ctx, root, after, 100)
//	f, info, err := outputs.Open(root, "invoices.csv")
//
// # Guarantees
//
//   - Nothing outside the folder is reached, whatever lies in it. Links and special files are
//     left out, and so is what Spool keeps on a drive for itself.
//   - A list is in the order of the paths, name by name; after the last path of a page comes
//     the next, whatever was added or deleted meanwhile.
//   - Where others write to the same folder, a run has the files alone that it named when it
//     ended ([Own]).
package outputs
