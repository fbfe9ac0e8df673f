// In:  -
// Out: -
//
// Package place moves the outputs of a run to the places that its job wants them at
// ([events.Placement]).
//
//	m := place.New(run, ev, drives, folders)
//	err := m.Begin(ctx)  // decide, write down, move
//	ev = m.Ended(hide)   // the end of the run, with where its files lie, or why they do not
//	m.Tidy()             // once that end is stored
//
// What goes where is written to placement.json in the folder of the run before the first file
// moves. After a crash [Read] finds it, and [Resume] and [Mover.CarryOut] do the rest: each file is at one
// of two places then, whole. Files are synced before they get their new names, and names before
// the end of the run is stored. Nothing here follows a link or starts a goroutine.
package place
