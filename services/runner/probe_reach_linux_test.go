package runner

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// processAttempts are about other processes. The first of all looks at the
// descriptors before anybody opens one.
var processAttempts = []trial{
	{"use descriptors that it was not given", func(targets, string, string) error {
		for fd := 3; fd < 1024; fd++ {
			flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
			if err != nil || flags&unix.FD_CLOEXEC != 0 {
				continue // what this program has opened itself is closed at exec
			}
			var s unix.Stat_t
			_ = unix.Fstat(fd, &s)
			return nil
		}
		return errors.New("there are none")
	}},
	{"signal the server", func(t targets, _, _ string) error { return unix.Kill(t.Server, 0) }},
	{"signal whoever waits for it", func(targets, string, string) error { return unix.Kill(os.Getppid(), 0) }},
	{"stop the server by a queued signal", func(t targets, _, _ string) error {
		info := make([]byte, 128)
		*(*int32)(unsafe.Pointer(&info[8])) = -1 // si_code: of a process
		return call(nil, unix.SYS_RT_SIGQUEUEINFO, uintptr(t.Server), 0, uintptr(unsafe.Pointer(&info[0])))
	}},
	{"trace the server", func(t targets, _, _ string) error {
		return probeChild(unix.SYS_PTRACE, unix.PTRACE_SEIZE, uintptr(t.Server), 0) // ends with the child
	}},
	{"be traced", func(targets, string, string) error { return probeChild(unix.SYS_PTRACE, 0, 0, 0) }},
	{"read the server's memory", func(t targets, _, _ string) error {
		var b [8]byte
		iov := unix.Iovec{Base: &b[0], Len: 8}
		return call([]unix.Errno{unix.EFAULT}, unix.SYS_PROCESS_VM_READV, uintptr(t.Server), uintptr(unsafe.Pointer(&iov)), 1, uintptr(unsafe.Pointer(&iov)), 1, 0)
	}},
	{"bound the server's resources", func(t targets, _, _ string) error {
		var old unix.Rlimit
		if err := prlimit(t.Server, nil, &old); err != nil {
			return err
		}
		return prlimit(t.Server, &old, nil)
	}},
	{"read the server's bounds", func(t targets, _, _ string) error { return prlimit(t.Server, nil, &unix.Rlimit{}) }},
	{"bound its parent's resources", func(targets, string, string) error {
		var old unix.Rlimit
		if err := prlimit(os.Getppid(), nil, &old); err != nil {
			return err
		}
		return prlimit(os.Getppid(), &old, nil)
	}},
	{"lower the server's priority", func(t targets, _, _ string) error {
		return anyOf(map[string]error{"process": unix.Setpriority(unix.PRIO_PROCESS, t.Server, 0), "user": unix.Setpriority(unix.PRIO_USER, os.Getuid(), 0)})
	}},
	{"lower the server's disk priority", func(t targets, _, _ string) error { return call(nil, unix.SYS_IOPRIO_SET, 1, uintptr(t.Server), 0) }},
	{"choose the server's processors", func(t targets, _, _ string) error {
		var set unix.CPUSet
		if err := unix.SchedGetaffinity(0, &set); err != nil {
			return err
		}
		return unix.SchedSetaffinity(t.Server, &set)
	}},
	{"compare itself with the server", func(t targets, _, _ string) error {
		return call(nil, unix.SYS_KCMP, uintptr(os.Getpid()), uintptr(t.Server), 2, 0, 0)
	}},
	{"move the server's memory", func(t targets, _, _ string) error {
		return call([]unix.Errno{unix.EINVAL}, unix.SYS_MOVE_PAGES, uintptr(t.Server), 0, 0, 0, 0, 0)
	}},
	{"hold the server by a descriptor", func(t targets, _, _ string) error { return call(nil, unix.SYS_PIDFD_OPEN, uintptr(t.Server), 0) }},
	{"have a child that is none", func(targets, string, string) error { // CLONE_PARENT: a brother, who does not end with it
		pid, _, errno := syscall.RawSyscall6(unix.SYS_CLONE, unix.CLONE_PARENT|uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
		if errno == 0 && pid == 0 {
			syscall.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
		}
		if errno != 0 {
			return errno
		}
		return nil
	}},
	{"bound itself", func(targets, string, string) error {
		var old unix.Rlimit
		return errors.Join(prlimit(0, nil, &old), prlimit(0, &old, nil), unix.Getrlimit(unix.RLIMIT_NOFILE, &old), unix.Setpriority(unix.PRIO_PROCESS, 0, 5),
			call(nil, unix.SYS_IOPRIO_SET, 1, 0, 0))
	}},
	{"choose its own processors", func(targets, string, string) error {
		var set unix.CPUSet
		if err := unix.SchedGetaffinity(0, &set); err != nil {
			return err
		}
		return unix.SchedSetaffinity(0, &set)
	}},
}

func prlimit(pid int, set, get *unix.Rlimit) error {
	return call(nil, unix.SYS_PRLIMIT64, uintptr(pid), unix.RLIMIT_NOFILE, uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(get)))
}

// probeChild makes a call in a child, of which nothing is left.
func probeChild(number uintptr, args ...uintptr) error {
	var a [3]uintptr
	copy(a[:], args)
	pid, _, errno := syscall.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if errno == 0 && pid == 0 {
		_, _, errno := syscall.RawSyscall(number, a[0], a[1], a[2])
		syscall.RawSyscall(unix.SYS_EXIT_GROUP, uintptr(errno), 0, 0)
	}
	if errno != 0 {
		return errno
	}
	var status unix.WaitStatus
	if _, err := unix.Wait4(int(pid), &status, 0, nil); err != nil {
		return err
	}
	if status.ExitStatus() != 0 {
		return unix.Errno(status.ExitStatus())
	}
	return nil
}

// socketAttempts are about the network and other programs' sockets.
var socketAttempts = []trial{
	{"connect to the server", func(t targets, _, _ string) error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		ip, port := hostPort(t.Port)
		return unix.Connect(fd, &unix.SockaddrInet4{Addr: ip, Port: port})
	}},
	{"send datagrams", func(t targets, _, _ string) error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return unix.Sendto(fd, []byte("x"), 0, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: t.Free})
	}},
	{"take a port for datagrams", func(t targets, _, _ string) error { return bindPort(unix.AF_INET, unix.SOCK_DGRAM, 0, t.Free) }},
	{"take a port", func(t targets, _, _ string) error {
		return anyOf(map[string]error{
			"IPv4": bindPort(unix.AF_INET, unix.SOCK_STREAM, 0, t.Free), "IPv6": bindPort(unix.AF_INET6, unix.SOCK_STREAM, 0, t.Free),
			"any": bindPort(unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_TCP, 0),
		})
	}},
	{"take a port by another protocol", func(t targets, _, _ string) error {
		return anyOf(map[string]error{
			"MPTCP": bindPort(unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP, t.Free), "MPTCP6": bindPort(unix.AF_INET6, unix.SOCK_STREAM, unix.IPPROTO_MPTCP, t.Free),
			"SCTP": bindPort(unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_SCTP, t.Free), "SMC": bindPort(unix.AF_INET, unix.SOCK_STREAM, 256, t.Free),
		})
	}},
	{"wait for connections", func(targets, string, string) error { // without bind the kernel chooses a port
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return unix.Listen(fd, 1)
	}},
	{"wait for its own processes at a socket", func(targets, string, string) error {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		at := &unix.SockaddrUnix{Name: filepath.Join(os.Getenv("TMPDIR"), "socket")}
		if err := errors.Join(unix.Bind(fd, at), unix.Listen(fd, 1)); err != nil {
			return err
		}
		other, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		if err != nil {
			return err
		}
		defer unix.Close(other)
		if err := unix.Connect(other, at); err != nil {
			return err
		}
		who, err := unix.GetsockoptUcred(other, unix.SOL_SOCKET, unix.SO_PEERCRED)
		if err == nil && (int(who.Uid) != os.Getuid() || int(who.Gid) != os.Getgid()) {
			err = fmt.Errorf("whoever connects is told that %+v listens", who)
		}
		return err
	}},
	{"wait at an abstract name", func(t targets, _, _ string) error {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return errors.Join(unix.Bind(fd, &unix.SockaddrUnix{Name: t.Abstract + "-probe"}), unix.Listen(fd, 1))
	}},
	{"wait for connections by a socket that takes another's place", func(targets, string, string) error {
		local, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		tcp, err2 := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		if err := errors.Join(err, err2); err != nil {
			return err
		}
		const place = 200
		if err := errors.Join(unix.Bind(local, &unix.SockaddrUnix{Name: filepath.Join(os.Getenv("TMPDIR"), "swapped")}), unix.Dup3(local, place, 0)); err != nil {
			return err
		}
		stop, stopped := make(chan struct{}), make(chan struct{})
		var swaps atomic.Int64
		go func() {
			defer close(stopped)
			for {
				select {
				case <-stop:
					return
				default:
					_ = unix.Dup3([]int{tcp, local}[swaps.Add(1)%2], place, 0)
				}
			}
		}()
		defer func() { close(stop); <-stopped }()
		// As long as both go side by side: on a busy machine one may do all of its tries alone.
		last, between := int64(0), 0
		for try := 0; try < 2000 || swaps.Load() < 2000 || between < 200; try++ {
			if now := swaps.Load(); now != last {
				last, between = now, between+1
			}
			_ = unix.Listen(place, 1)
			if waits, err := unix.GetsockoptInt(tcp, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err == nil && waits != 0 {
				return nil
			}
		}
		return errors.New("it never did")
	}},
	{"make sockets of other kinds", func(targets, string, string) error {
		tries := map[string]error{}
		for name, s := range map[string][3]int{
			"raw": {unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP}, "packet": {unix.AF_PACKET, unix.SOCK_RAW, 0}, "netlink": {unix.AF_NETLINK, unix.SOCK_RAW, 0},
			"vsock": {unix.AF_VSOCK, unix.SOCK_STREAM, 0}, "alg": {unix.AF_ALG, unix.SOCK_SEQPACKET, 0}, "xdp": {unix.AF_XDP, unix.SOCK_RAW, 0},
			"can": {unix.AF_CAN, unix.SOCK_RAW, 1}, "tipc": {unix.AF_TIPC, unix.SOCK_STREAM, 0}, "bluetooth": {unix.AF_BLUETOOTH, unix.SOCK_STREAM, 3}, "rds": {unix.AF_RDS, unix.SOCK_SEQPACKET, 0},
		} {
			fd, err := unix.Socket(s[0], s[1], s[2])
			if tries[name] = err; err == nil {
				_ = unix.Close(fd)
			}
		}
		return anyOf(tries)
	}},
	{"connect to a service's socket", func(t targets, _, _ string) error {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return unix.Connect(fd, &unix.SockaddrUnix{Name: t.Unix})
	}},
	{"connect to a service's abstract socket", func(t targets, _, _ string) error {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return unix.Connect(fd, &unix.SockaddrUnix{Name: t.Abstract})
	}},
	{"send to a service's socket by half of a pair", func(t targets, _, _ string) error {
		tries := map[string]error{}
		for name, kind := range map[string]int{"datagrams": unix.SOCK_DGRAM, "raw": unix.SOCK_RAW, "stream": unix.SOCK_STREAM, "packets": unix.SOCK_SEQPACKET} {
			pair, err := unix.Socketpair(unix.AF_UNIX, kind, 0)
			if err == nil {
				to := &unix.SockaddrUnix{Name: t.Datagram}
				err = unix.Connect(pair[0], to)
				if kind == unix.SOCK_DGRAM || kind == unix.SOCK_RAW {
					err = unix.Sendto(pair[0], []byte("x"), 0, to)
				}
			}
			tries[name] = err
		}
		return anyOf(tries)
	}},
	{"make a pair of sockets", func(targets, string, string) error {
		_, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		return err
	}},
}

func bindPort(family, kind, protocol, port int) error {
	fd, err := unix.Socket(family, kind, protocol)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if family == unix.AF_INET6 {
		return unix.Bind(fd, &unix.SockaddrInet6{Addr: [16]byte{15: 1}, Port: port})
	}
	return unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: port})
}

// kernelAttempts are about the machine.
var kernelAttempts = []trial{
	{"use System V IPC", func(targets, string, string) error {
		return anyOf(map[string]error{
			"memory": ipc(unix.SYS_SHMGET, 4096, unix.SYS_SHMCTL), "semaphores": ipc(unix.SYS_SEMGET, 1, unix.SYS_SEMCTL), "messages": ipc(unix.SYS_MSGGET, 0o600, unix.SYS_MSGCTL),
		})
	}},
	{"use POSIX message queues", func(targets, string, string) error {
		name := text(fmt.Sprintf("spool-probe-%d", os.Getpid()))
		return errors.Join(call(nil, unix.SYS_MQ_OPEN, name, unix.O_CREAT|unix.O_RDWR, 0o600, 0), call(nil, unix.SYS_MQ_UNLINK, name))
	}},
	{"use the kernel's keys", func(targets, string, string) error {
		return anyOf(map[string]error{"add": call(nil, unix.SYS_ADD_KEY, text("user"), text("spool"), text("x"), 1, ^uintptr(2)), "read": call(nil, unix.SYS_KEYCTL, 0, ^uintptr(2), 1)})
	}},
	{"load programs into the kernel", func(targets, string, string) error {
		return call([]unix.Errno{unix.EINVAL, unix.EFAULT, unix.E2BIG}, unix.SYS_BPF, 0, 0, 0)
	}},
	{"watch the processor", func(targets, string, string) error {
		attr := unix.PerfEventAttr{Type: unix.PERF_TYPE_SOFTWARE, Size: uint32(unsafe.Sizeof(unix.PerfEventAttr{}))}
		return call(nil, unix.SYS_PERF_EVENT_OPEN, uintptr(unsafe.Pointer(&attr)), 0, ^uintptr(0), ^uintptr(0), 0)
	}},
	{"handle page faults", func(targets, string, string) error { return call(nil, unix.SYS_USERFAULTFD, 1) }},
	{"use io_uring", func(targets, string, string) error {
		return call([]unix.Errno{unix.EFAULT}, unix.SYS_IO_URING_SETUP, 8, 0)
	}},
	{"mount", func(_ targets, _, out string) error {
		mounted := unix.Mount("none", out, "tmpfs", 0, "")
		if mounted == nil {
			_ = unix.Unmount(out, unix.MNT_DETACH)
		}
		return anyOf(map[string]error{
			"mount": mounted, "fsopen": call(nil, unix.SYS_FSOPEN, text("tmpfs"), 0), "open_tree": call(nil, unix.SYS_OPEN_TREE, uintptr(0xffffffffffffff9c), text(out), unix.OPEN_TREE_CLONE),
		})
	}},
	{"unmount", func(targets, string, string) error {
		return call([]unix.Errno{unix.EINVAL, unix.ENOENT}, unix.SYS_UMOUNT2, text("/no/such/mount"), unix.MNT_DETACH)
	}},
	{"change its root folder", func(_ targets, _, out string) error {
		return anyOf(map[string]error{"chroot": probeChild(unix.SYS_CHROOT, text("/")), "pivot_root": call([]unix.Errno{unix.EINVAL, unix.EBUSY}, unix.SYS_PIVOT_ROOT, text("/"), text("/"))})
	}},
	{"make namespaces", func(targets, string, string) error {
		tries := map[string]error{}
		for name, flag := range map[string]uintptr{"user": unix.CLONE_NEWUSER, "mount": unix.CLONE_NEWNS, "pid": unix.CLONE_NEWPID, "net": unix.CLONE_NEWNET, "ipc": unix.CLONE_NEWIPC, "uts": unix.CLONE_NEWUTS, "cgroup": unix.CLONE_NEWCGROUP, "time": unix.CLONE_NEWTIME} {
			tries["unshare "+name] = probeChild(unix.SYS_UNSHARE, flag)
			if name != "time" {
				tries["clone "+name] = cloneOf(flag)
			}
		}
		return anyOf(tries)
	}},
	{"enter namespaces", func(targets, string, string) error {
		return call([]unix.Errno{unix.EBADF, unix.EINVAL}, unix.SYS_SETNS, ^uintptr(0), 0)
	}},
	{"load modules", func(targets, string, string) error {
		return anyOf(map[string]error{"init": call([]unix.Errno{unix.EFAULT, unix.ENOEXEC}, unix.SYS_INIT_MODULE, 0, 0, 0), "delete": call([]unix.Errno{unix.EFAULT, unix.ENOENT}, unix.SYS_DELETE_MODULE, text("no_such_module"), 0)})
	}},
	{"load another kernel", func(targets, string, string) error {
		return call([]unix.Errno{unix.EINVAL, unix.EBADF}, unix.SYS_KEXEC_LOAD, 0, 99999, 0, 0)
	}},
	{"restart the machine", func(targets, string, string) error {
		return call([]unix.Errno{unix.EINVAL}, unix.SYS_REBOOT, 1, 2, 3, 0)
	}},
	{"set the clock", func(targets, string, string) error {
		var buf [256]byte
		return anyOf(map[string]error{
			"clock_settime": call([]unix.Errno{unix.EINVAL, unix.EFAULT}, unix.SYS_CLOCK_SETTIME, 0, 0), "settimeofday": call([]unix.Errno{unix.EINVAL, unix.EFAULT}, unix.SYS_SETTIMEOFDAY, 1, 0),
			"adjtimex": call(nil, unix.SYS_ADJTIMEX, uintptr(unsafe.Pointer(&buf[0]))),
		})
	}},
	{"read the kernel's log", func(targets, string, string) error { return call(nil, unix.SYS_SYSLOG, 10, 0, 0) }},
	{"name the machine", func(targets, string, string) error {
		return call([]unix.Errno{unix.EINVAL, unix.EFAULT}, unix.SYS_SETHOSTNAME, 0, 99999)
	}},
	{"switch on swap, quotas or accounting", func(targets, string, string) error {
		return anyOf(map[string]error{"swap": call([]unix.Errno{unix.ENOENT}, unix.SYS_SWAPON, text("/no/such/file"), 0), "acct": call([]unix.Errno{unix.ENOENT}, unix.SYS_ACCT, text("/no/such/file"))})
	}},
	{"put words into a terminal", func(targets, string, string) error {
		c := byte('x')
		return call([]unix.Errno{unix.ENOTTY}, unix.SYS_IOCTL, 0, unix.TIOCSTI, uintptr(unsafe.Pointer(&c)))
	}},
	{"use calls that nobody has judged", func(targets, string, string) error { return call(nil, 1000) }},
	{"gain privileges", func(targets, string, string) error {
		on, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
		if err == nil && on == 1 {
			err = errors.New("no_new_privs")
		}
		return err
	}},
	{"use capabilities", func(targets, string, string) error {
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var data [2]unix.CapUserData
		if err := unix.Capget(&header, &data[0]); err != nil {
			return err
		}
		for _, d := range data {
			if d.Effective != 0 || d.Permitted != 0 || d.Inheritable != 0 {
				return nil
			}
		}
		return errors.New("there are none")
	}},
}

// ipc makes an object of System V, and removes it.
func ipc(get, size, ctl uintptr) error {
	flags := uintptr(0o1600) // IPC_CREAT
	id, _, errno := syscall.RawSyscall(get, 0, size, flags)
	if errno != 0 {
		return errno
	}
	return call(nil, ctl, id, 0, 0) // IPC_RMID is 0, and semctl has it third
}

func cloneOf(flag uintptr) error {
	pid, _, errno := syscall.RawSyscall6(unix.SYS_CLONE, flag|uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if errno == 0 && pid == 0 {
		syscall.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
	}
	if errno != 0 {
		return errno
	}
	_, err := unix.Wait4(int(pid), nil, 0, nil)
	runtime.KeepAlive(kept)
	return err
}
