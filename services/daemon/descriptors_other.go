//go:build !unix

package daemon

// descriptors is how many files this process may have open.
func descriptors() int { return 1 << 16 }
