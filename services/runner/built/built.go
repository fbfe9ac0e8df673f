// In:  -
// Out: -
//
// Package built carries the program that flows are started from (services/runner/gate) inside
// spool. `make gate` builds it into this folder, as gate_<os>_<arch>; without it Files holds no
// such file, and spool starts flows from itself.
package built

import "embed"

// Files is what lies in this folder.
//
//go:embed *
var Files embed.FS
