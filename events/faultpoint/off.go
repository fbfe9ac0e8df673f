//go:build !faults

package faultpoint

import "time"

// Hit says that the process has come to a step.
func Hit(string) {}

// Now is the time by the clock of this process.
func Now() time.Time { return time.Now() }

// Disk is how long each access to the store is to wait, and until when; 0 = not at all.
func Disk() (each, until time.Duration) { return 0, 0 }

// Variables are those of the environment that are read here.
var Variables []string
