package daemon

import (
	"errors"
	"net"
	"syscall"
	"time"
)

// portPatience is how long a port that is taken is waited for. A child between
// fork and exec has a copy of the socket for a moment longer than a killed parent.
const portPatience = 2 * time.Second

// Listen listens on a TCP address. A port that is taken is tried again for 2 s.
func Listen(addr string) (net.Listener, error) {
	for deadline := time.Now().Add(portPatience); ; time.Sleep(20 * time.Millisecond) {
		l, err := net.Listen("tcp", addr)
		if err == nil || !errors.Is(err, syscall.EADDRINUSE) || time.Now().After(deadline) {
			return l, err
		}
	}
}
