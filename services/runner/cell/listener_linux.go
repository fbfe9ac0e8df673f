package cell

import (
	"errors"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// listener is where the kernel asks what becomes of the calls that a filter holds.
type listener struct {
	file     *os.File // kept, for one that nobody holds is closed
	fd       int
	question int // bytes; newer kernels may have more to say
	reply    int
}

// asked is a call that waits for its answer: struct seccomp_notif.
type asked struct {
	id     uint64
	thread uint32 // in our namespace
	flags  uint32
	number int32
	arch   uint32
	ip     uint64
	args   [6]uint64
}

// reply is struct seccomp_notif_resp.
type reply struct {
	id    uint64
	value int64
	errno int32
	flags uint32
}

func newListener(file *os.File) (*listener, error) {
	var sizes struct{ question, reply, data uint16 }
	if _, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_GET_NOTIF_SIZES, 0, uintptr(unsafe.Pointer(&sizes))); errno != 0 {
		return nil, errno
	}
	return &listener{
		file: file, fd: int(file.Fd()), question: max(int(sizes.question), int(unsafe.Sizeof(asked{}))), reply: max(int(sizes.reply), int(unsafe.Sizeof(reply{}))),
	}, nil
}

// errNobody says that nobody is left who could make a call.
var errNobody = errors.New("nobody is left")

// next waits for a call.
func (l *listener) next() (asked, error) {
	ready := []unix.PollFd{{Fd: int32(l.fd), Events: unix.POLLIN}}
	if _, err := unix.Poll(ready, -1); err != nil {
		return asked{}, err
	}
	switch {
	case ready[0].Revents&unix.POLLIN != 0:
	case ready[0].Revents&(unix.POLLHUP|unix.POLLNVAL) != 0:
		return asked{}, errNobody
	default:
		return asked{}, unix.EINTR // POLLERR: a signal has cut the kernel's look at it short
	}
	buf := make([]uint64, (l.question+7)/8) // zeros, as the kernel wants them
	if err := l.ioctl(unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(&buf[0])); err != nil {
		return asked{}, err
	}
	return *(*asked)(unsafe.Pointer(&buf[0])), nil
}

// answer ends a call, or with through lets the kernel go on with it. ENOENT says that
// nobody waits for it any more.
func (l *listener) answer(call asked, errno unix.Errno, through bool) error {
	buf := make([]uint64, (l.reply+7)/8)
	r := (*reply)(unsafe.Pointer(&buf[0]))
	r.id, r.errno = call.id, -int32(errno)
	if through {
		r.flags = unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE
	}
	return l.ioctl(unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&buf[0]))
}

// valid says whether the thread is still the one that asked.
func (l *listener) valid(call asked) error {
	return l.ioctl(unix.SECCOMP_IOCTL_NOTIF_ID_VALID, unsafe.Pointer(&call.id))
}

// ioctl tries again what one of the signals cut short that Go's runtime sends its
// threads: an answer that is lost has the flow wait for good. [listener.next] waits
// anew by itself.
func (l *listener) ioctl(request uintptr, arg unsafe.Pointer) error {
	for {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(l.fd), request, uintptr(arg))
		switch {
		case errno == unix.EINTR && request != unix.SECCOMP_IOCTL_NOTIF_RECV:
		case errno != 0:
			return errno
		default:
			return nil
		}
	}
}

// address is a struct sockaddr of the guard's own.
type address struct {
	bytes [28]byte // as much as that of IPv6
	size  int
}

// How long a struct sockaddr is.
const (
	leastAddress = 2 // its family alone
	address4     = 16
	address6     = 28
	leastIP6     = 24  // without the scope
	mostAddress  = 128 // sockaddr_storage
)

// readAddress copies the address of a call out of the memory of the flow, once.
func readAddress(call asked) (a address, errno unix.Errno) {
	size := int(int32(call.args[2]))
	if size < leastAddress || size > mostAddress {
		return a, unix.EINVAL
	}
	a.size = min(size, len(a.bytes))
	local := []unix.Iovec{{Base: &a.bytes[0], Len: uint64(a.size)}}
	remote := []unix.RemoteIovec{{Base: uintptr(call.args[1]), Len: a.size}}
	if n, err := unix.ProcessVMReadv(int(call.thread), local, remote, 0); err != nil || n != a.size {
		return a, unix.EFAULT
	}
	return a, 0
}

// peer is what the address names; nil: it has no other end (AF_UNSPEC ends a
// connection). What is not judged is left out of the address: ways and scopes.
func (a *address) peer() (*Peer, unix.Errno) {
	family := uint16(a.bytes[0]) | uint16(a.bytes[1])<<8 // both architectures are little-endian
	p := Peer{Port: int(a.bytes[2])<<8 | int(a.bytes[3])}
	switch family {
	case unix.AF_UNSPEC:
		*a = address{size: address4}
		return nil, 0
	case unix.AF_INET:
		if a.size < address4 {
			return nil, unix.EINVAL
		}
		a.size = address4
		p.Addr[10], p.Addr[11] = 0xff, 0xff
		copy(p.Addr[12:], a.bytes[4:8])
	case unix.AF_INET6:
		if a.size < leastIP6 {
			return nil, unix.EINVAL
		}
		a.size = address6
		copy(p.Addr[:], a.bytes[8:24])
		clear(a.bytes[4:8])
		clear(a.bytes[24:])
	default:
		return nil, unix.EAFNOSUPPORT
	}
	return &p, 0
}
