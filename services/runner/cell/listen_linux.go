package cell

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// listen has a socket of the flow wait for connections, by our copy of its
// descriptor, for the flow could put another in its place meanwhile. It must be of
// AF_UNIX and have a path, which only a folder of the flow's can hold: a port of TCP
// or an abstract name could be that of a service of the host. No other rule can tell
// them apart: a filter sees the number of a descriptor, and Landlock does not judge
// this call.
func (k *connecting) listen(fd, backlog int) unix.Errno {
	domain, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	if err != nil {
		return errnoOf(err)
	}
	if domain != unix.AF_UNIX {
		return unix.EACCES
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		return errnoOf(err)
	}
	if at, is := name.(*unix.SockaddrUnix); !is || at.Name == "" || at.Name[0] == '@' || at.Name[0] == 0 {
		return unix.EACCES
	}
	// Whoever connects is told who listens: that has to be the flow's user.
	done := make(chan unix.Errno, 1)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with this, and what it has become
		done <- k.listenAs(fd, backlog)
	}()
	return <-done
}

func (k *connecting) listenAs(fd, backlog int) unix.Errno {
	if k.as && becomeUser(k.uid, k.gid) != 0 {
		return unix.EACCES
	}
	if err := unix.Listen(fd, backlog); err != nil {
		return errnoOf(err)
	}
	return 0
}
