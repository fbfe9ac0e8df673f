package process

import "golang.org/x/sys/unix"

// HasCapability reports whether this process has a capability of capabilities(7), by its number.
func HasCapability(which int) bool {
	return capabilities()[which/32]&(1<<(which%32)) != 0
}

// HasCapabilities reports whether this process has any.
func HasCapabilities() bool { return capabilities() != [2]uint32{} }

func capabilities() (c [2]uint32) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if unix.Capget(&header, &data[0]) == nil {
		c = [2]uint32{data[0].Effective, data[1].Effective}
	}
	return c
}
