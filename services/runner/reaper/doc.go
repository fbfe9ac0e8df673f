// In:  -
// Out: -
//
// Package reaper reads the process table of this host and kills what a dead runner left of
// its flows.
//
// [Reaper.Reap] proves that an earlier attempt of a run is dead before the next one starts:
// it knows the attempt by host, boot, process id and start time, kills its process group and
// then its orphan processes, which left that group and carry the run's marker in their
// environment. It never kills a group that it cannot prove to be the attempt's.
//
// Reap blocks until the group is gone, the context ends, or nothing of the group has exited
// for 10 s. Linux reads /proc; macOS asks ps and finds no orphans.
package reaper
