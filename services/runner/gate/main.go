// In:  -
// Out: -
//
// Command gate is the program that the processes of flows are started from (package cell). It is
// small because one is started for every run. `make gate` builds it into services/runner/built,
// from where spool carries it.
package main

import "spool.internal/services/runner/cell"

func main() { cell.Main() }
