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
	guard        *guarding
	ours, theirs *os.File      // of the guard, of the warm process
	listed       chan struct{} // closed when there is a list
	places       chan struct{} // one for each call that is under way
	only         bool          // it may do without: connect(2) is not asked about
	as           bool          // the flow is another user: uid and gid
	uid, gid     int

	mu    sync.Mutex
	reach Reach
	cut   map[uint32]uint64 // by thread: the socket of a call whose answer came too late, since a signal had cut it short
	told  int               // how much that was denied the runner knows
}

const (
	mostConnecting = 256 // at once; the flow's next one is told to try again
	mostTold       = 64
)

func newConnecting(g *guarding, connects bool, as string) (*connecting, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	k := &connecting{
		guard: g, only: !connects, ours: os.NewFile(uintptr(fds[0]), "ours"), theirs: os.NewFile(uintptr(fds[1]), "theirs"),
		listed: make(chan struct{}), places: make(chan struct{}, mostConnecting), cut: map[uint32]uint64{},
	}
	k.uid, k.gid, k.as = ids(as)
	if k.only {
		close(k.listed) // there is none
	}
	return k, nil
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

// askGuard binds this thread to a filter, and gives the guard what it is asked by that.
// A flow that need not ask starts without, and is denied what it would ask for.
func askGuard(program []byte, needed bool) error {
	fd, err := loadListened(program)
	if err == errListened && !needed {
		return loadFilter(program)
	}
	if err != nil {
		return err
	}
	socket, listener := os.NewFile(askSocket, "ask"), os.NewFile(uintptr(fd), "listener")
	if err := Send(socket, &Open{}, listener); err != nil {
		return err
	}
	_ = listener.Close() // nobody of the flow may answer for the guard
	if !needed {
		return socket.Close()
	}
	var met Met
	if _, err := Receive(socket, &met); err != nil {
		return err
	}
	if met.Fault != "" {
		return errors.New(met.Fault)
	}
	return socket.Close()
}

// confirm tells the warm process whether the guard can do what it is there for.
func (k *connecting) confirm(flow int) {
	var met Met
	if err := canTake(flow); err != nil {
		met.Fault = "connect: the guard cannot take the sockets of the flow, which takes the right to trace it (CAP_SYS_PTRACE, and no kernel.yama.ptrace_scope above 2): " + err.Error()
	}
	_ = Send(k.ours, &met)
}

// serve answers the calls of the flow until there is nobody left who could make one.
func (k *connecting) serve(flow int) {
	_ = k.theirs.Close()
	rights, err := Receive(k.ours, &Open{})
	if err != nil || len(rights) != 1 {
		return // the warm process has not come that far
	}
	<-k.listed
	if !k.only {
		k.confirm(flow)
	}
	_ = k.ours.Close()
	l, err := newListener(rights[0])
	if err != nil {
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

// canTake says why the guard could not take sockets of a process.
func canTake(pid int) error {
	fd, err := takeFD(pid, 1)
	if err == nil {
		err = unix.Close(fd)
	}
	return err
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
