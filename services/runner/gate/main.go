// In:  -
// Out: -
//
// Command gate starts flows for the runner, and does nothing else: it is spool
// without Spool, small because it is started for every run.
package main

import "spool.internal/services/runner/cell"

func main() { cell.Main() }
