// Package programs holds the programs that people run as flows. It has no code but
// its tests: they start the programs of this machine under the runner's whole
// sandbox, with no grant or one profile, and look at what was made. PROGRAMS.md is
// their table.
package programs
