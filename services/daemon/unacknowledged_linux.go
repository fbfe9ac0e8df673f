package daemon

import (
	"net"

	"golang.org/x/sys/unix"
)

// unacknowledged is how many bytes the kernel still holds for the peer, see
// tcp(7), SIOCOUTQ.
func unacknowledged(c net.Conn) int64 {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return 0
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return 0
	}
	held := 0
	if err := raw.Control(func(fd uintptr) { held, _ = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) }); err != nil {
		return 0
	}
	return int64(held)
}
