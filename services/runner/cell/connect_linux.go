package cell

import (
	"errors"
	"os"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// connecting connects the sockets of a flow, to what the runner has listed and to
// nothing else. The flow's filter holds each connect(2) until the guard has answered
// it. What the guard has judged is its own copy of the address, and it connects the
// very socket to that, so there is nothing that the flow could change meanwhile.
type connecting struct {
	guard    *guarding
	listed   chan struct{} // closed when there is a list
	places   chan struct{} // one for each call that is under way
	only     bool          // it may do without: connect(2) is not asked about
	as       bool          // the flow is another user: uid and gid
	uid, gid int

	mu    sync.Mutex
	reach Reach
	cut   map[uint32]uint64 // by thread: the socket of a call whose answer came too late, since a signal had cut it short
	told  int               // how much that was denied the runner knows
}

const (
	mostConnecting = 256 // at once; the flow's next one is told to try again
	mostTold       = 64
)

func newConnecting(g *guarding, form Form) *connecting {
	k := &connecting{
		guard: g, only: !form.Asks, as: form.As, uid: form.UID, gid: form.GID,
		listed: make(chan struct{}), places: make(chan struct{}, mostConnecting), cut: map[uint32]uint64{},
	}
	if k.only {
		close(k.listed) // there is none
	}
	return k
}

// hold takes over a list.
func (k *connecting) hold(reach Reach) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.reach = reach
	select {
	case <-k.listed:
	default:
		close(k.listed)
	}
}

// serve answers the calls of the flow until there is nobody left who could make one.
func (k *connecting) serve(file *os.File) {
	<-k.listed
	l, err := newListener(file)
	if err != nil {
		_ = file.Close()
		return // which ends what is asked with an error
	}
	for {
		call, err := l.next()
		if err == unix.EINTR || err == unix.ENOENT { // whoever asked is gone
			continue
		}
		if err != nil {
			return
		}
		select {
		case k.places <- struct{}{}:
			go func() {
				defer func() { <-k.places }()
				k.answer(l, call)
			}()
		default:
			_ = l.answer(call, unix.EAGAIN, false)
		}
	}
}

// canTake says why the guard cannot take sockets of a process.
func canTake(pid int) error {
	fd, err := takeFD(pid, 1)
	if err == nil {
		err = unix.Close(fd)
	}
	if err != nil {
		return errors.New("connect: the guard cannot take the sockets of the flow, which takes the right to trace it (CAP_SYS_PTRACE, and no kernel.yama.ptrace_scope above 2): " + err.Error())
	}
	return nil
}

// takeFD duplicates a descriptor of a thread.
func takeFD(thread, theirs int) (int, error) {
	const pidfdThread = unix.O_EXCL // PIDFD_THREAD, Linux 6.9
	pidfd, err := unix.PidfdOpen(thread, pidfdThread)
	if err != nil {
		return -1, err
	}
	defer unix.Close(pidfd)
	return unix.PidfdGetfd(pidfd, theirs, 0)
}

// answer does what a call asks for, if it may be.
func (k *connecting) answer(l *listener, call asked) {
	fd, err := takeFD(int(call.thread), int(int32(call.args[0])))
	if err != nil {
		_ = l.answer(call, taken(err), false)
		return
	}
	defer unix.Close(fd)
	if l.valid(call) != nil {
		return // whoever asked is gone, and its number may be another's by now
	}
	if call.number == unix.SYS_LISTEN {
		_ = l.answer(call, k.listen(fd, int(int32(call.args[1]))), false)
		return
	}
	var info unix.Stat_t
	_ = unix.Fstat(fd, &info) // what is open has an inode
	errno, through := k.connect(l, call, fd)
	k.mu.Lock()
	defer k.mu.Unlock()
	if was, is := k.cut[call.thread]; is && was == info.Ino { // it is the same call that the flow makes again
		switch errno {
		case unix.EALREADY:
			errno = unix.EINPROGRESS
		case unix.EISCONN:
			errno = 0
		}
	}
	delete(k.cut, call.thread)
	if l.answer(call, errno, through) == unix.ENOENT && len(k.cut) < mostConnecting {
		k.cut[call.thread] = info.Ino
	}
}

// taken is what a flow is told when its socket cannot be taken.
func taken(err error) unix.Errno {
	if err == unix.EBADF {
		return unix.EBADF
	}
	return unix.EACCES
}

// connect judges the socket and the address, and connects. With through, the kernel
// goes on by itself.
func (k *connecting) connect(l *listener, call asked, fd int) (errno unix.Errno, through bool) {
	k.mu.Lock()
	reach := k.reach
	k.mu.Unlock()
	domain, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	if err != nil {
		return errnoOf(err), false
	}
	if domain == unix.AF_UNIX && reach.Unix {
		return 0, true
	}
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	protocol, err2 := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PROTOCOL)
	if errors.Join(err, err2) != nil || domain != unix.AF_INET && domain != unix.AF_INET6 || kind != unix.SOCK_STREAM || protocol != unix.IPPROTO_TCP {
		return unix.EACCES, false
	}
	addr, errno := readAddress(call)
	if errno != 0 {
		return errno, false
	}
	if err := l.valid(call); err != nil {
		return unix.EINTR, false // what was read may be another's
	}
	peer, errno := addr.peer()
	if errno != 0 {
		return errno, false
	}
	if peer != nil && !reach.allows(*peer) {
		k.deny(*peer)
		return unix.EACCES, false
	}
	for errno = unix.EINTR; errno == unix.EINTR; { // by a signal to the guard, of which the flow knows nothing
		_, _, errno = unix.Syscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&addr.bytes[0])), uintptr(addr.size))
	}
	return errno, false
}

func errnoOf(err error) unix.Errno {
	if errno, is := err.(unix.Errno); is {
		return errno
	}
	return unix.EACCES
}

func (r *Reach) allows(p Peer) bool {
	for _, listed := range r.Peers {
		if listed.Addr == p.Addr && (listed.Port == 0 || listed.Port == p.Port) {
			return true
		}
	}
	return false
}

// deny tells the runner what was denied.
func (k *connecting) deny(p Peer) {
	k.mu.Lock()
	k.told++
	tell := k.told <= mostTold
	k.mu.Unlock()
	if tell {
		_ = k.guard.tell(News{Denied: []Peer{p}}) // without it the message names less
	}
}
