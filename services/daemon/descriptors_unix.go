//go:build unix

package daemon

import "syscall"

// descriptors is how many files this process may have open. Go raises the limit
// to the hard one at the start.
func descriptors() int {
	var l syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l) != nil {
		return 1024
	}
	return int(min(uint64(l.Cur), 1<<20)) //nolint:unconvert // signed on some systems
}
