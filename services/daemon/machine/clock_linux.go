package machine

import (
	"time"

	"golang.org/x/sys/unix"
)

// The kernel's word that nothing sets the clock.
const (
	timeError  = 5
	staUnsynch = 0x40
)

// Synchronized tells whether a time service sets the clock of this machine, and by how much
// it may be wrong.
func Synchronized() (known, synchronized bool, within time.Duration) {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	if err != nil {
		return false, false, 0
	}
	if state == timeError || t.Status&staUnsynch != 0 {
		return true, false, 0
	}
	return true, true, time.Duration(t.Esterror) * time.Microsecond
}
