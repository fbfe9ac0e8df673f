package runner

import "golang.org/x/sys/unix"

// hasCapability reports whether this process has a capability of capabilities(7), by its number.
func hasCapability(which int) bool {
	return capabilities()[which/32]&(1<<(which%32)) != 0
}

// hasCapabilities reports whether this process has any.
func hasCapabilities() bool { return capabilities() != [2]uint32{} }

func capabilities() (c [2]uint32) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if unix.Capget(&header, &data[0]) == nil {
		c = [2]uint32{data[0].Effective, data[1].Effective}
	}
	return c
}
