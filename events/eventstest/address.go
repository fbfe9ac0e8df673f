package eventstest

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
)

// hosts counts the loopback addresses that this process gave away.
var hosts atomic.Uint32

// ownHost is a loopback address at which nothing else listens: on Linux one of its own,
// elsewhere that of all.
func ownHost() string {
	if runtime.GOOS != "linux" {
		return "127.0.0.1"
	}
	n := hosts.Add(1)
	return fmt.Sprintf("127.%d.%d.%d", 1+os.Getpid()%250, n/250%250, 1+n%250)
}

// FindAddress gives a host and port that stay free until a test listens there, and while what
// it killed starts again. A port of 127.0.0.1 may be somebody else's by then.
func FindAddress() (string, error) {
	l, err := net.Listen("tcp", ownHost()+":0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// FreeAddress is [FindAddress] for a test, which ends when there is none.
func FreeAddress(t testing.TB) string {
	t.Helper()
	address, err := FindAddress()
	if err != nil {
		t.Fatal(err)
	}
	return address
}
