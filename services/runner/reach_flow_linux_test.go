package runner

// reaches is a flow that tries all ways to an address. It prints those that work: each
// to the door that it may come to by A-, and to the other by B-.
const reaches = `package main

import ("fmt"; "net"; "os"; "os/exec"; "runtime"; "syscall"; "time"; "unsafe")

const open, shut = OPEN, SHUT

func v4(port int) []byte { return []byte{2, 0, byte(port >> 8), byte(port), 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0} }
func v6(port int) []byte { return append([]byte{10, 0, byte(port >> 8), byte(port), 1, 2, 3, 4}, append([]byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 127, 0, 0, 1}, 9, 0, 0, 0)...) }

func connect(fd int, addr []byte) error {
	_, _, e := syscall.Syscall(syscall.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&addr[0])), uintptr(len(addr)))
	if e != 0 { return e }
	return nil
}

func sock(family, kind int) int {
	fd, err := syscall.Socket(family, kind, 0)
	if err != nil { return -1 }
	return fd
}

func greeted(fd int) error { // whoever is connected is greeted
	var b [6]byte
	n, err := syscall.Read(fd, b[:])
	if err == nil && string(b[:n]) != "hello\n" { err = syscall.EPIPE }
	return err
}

func tcp(family int, addr []byte) error {
	fd := sock(family, syscall.SOCK_STREAM)
	defer syscall.Close(fd)
	if err := connect(fd, addr); err != nil { return err }
	return greeted(fd)
}

func setopt(fd, level, name int, value []byte) error {
	_, _, e := syscall.Syscall6(syscall.SYS_SETSOCKOPT, uintptr(fd), uintptr(level), uintptr(name), uintptr(unsafe.Pointer(&value[0])), uintptr(len(value)), 0)
	if e != 0 { return e }
	return nil
}

type msghdr struct { name *byte; namelen uint32; iov *syscall.Iovec; iovlen uint64; control *byte; controllen uint64; flags int32; n uint32 }

func send(fd int, how string, flags uintptr, addr []byte) error {
	data := []byte("x")
	iov := syscall.Iovec{Base: &data[0], Len: 1}
	m := msghdr{name: &addr[0], namelen: uint32(len(addr)), iov: &iov, iovlen: 1}
	var e syscall.Errno
	switch how {
	case "sendto": _, _, e = syscall.Syscall6(syscall.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&data[0])), 1, flags, uintptr(unsafe.Pointer(&addr[0])), uintptr(len(addr)))
	case "sendmsg": _, _, e = syscall.Syscall(syscall.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&m)), flags)
	case "sendmmsg": _, _, e = syscall.Syscall6(SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&m)), 1, flags, 0, 0)
	}
	runtime.KeepAlive(&m)
	if e != 0 { return e }
	return nil
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "child" {
		for name, port := range map[string]int{"A": open, "B": shut} {
			if tcp(syscall.AF_INET, v4(port)) == nil { fmt.Print(name, "-child ") }
		}
		return
	}
	for fd := uintptr(3); fd < 256; fd++ { // what is open here is this program's own, and closed at exec
		if flags, _, e := syscall.Syscall(syscall.SYS_FCNTL, fd, syscall.F_GETFD, 0); e == 0 && flags&1 == 0 { fmt.Print("given-", fd, " ") }
	}
	try := func(name string, err error) { if err == nil { fmt.Print(name, " ") } }
	for name, port := range map[string]int{"A": open, "B": shut} {
		c, err := net.Dial("tcp4", fmt.Sprint("127.0.0.1:", port)); try(name + "-dial", err); _ = c
		try(name + "-blocking", tcp(syscall.AF_INET, v4(port)))
		try(name + "-mapped", tcp(syscall.AF_INET6, v6(port)))
		try(name + "-short6", tcp(syscall.AF_INET6, v6(port)[:24]))
		fd := sock(syscall.AF_INET, syscall.SOCK_STREAM)
		if syscall.Bind(fd, &syscall.SockaddrInet4{}) == nil { fmt.Print("bind ") }
		try(name + "-bound", connect(fd, v4(port)))
		fd = sock(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK)
		if err := connect(fd, v4(port)); err == syscall.EINPROGRESS || err == nil {
			for end := time.Now().Add(20*time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
				if err = connect(fd, v4(port)); err == nil || err == syscall.EISCONN { fmt.Print(name, "-later "); break }
			}
		}
		fd = sock(syscall.AF_INET, syscall.SOCK_STREAM)
		_ = setopt(fd, 6, 30, []byte{1, 0, 0, 0}) // TCP_FASTOPEN_CONNECT
		if connect(fd, v4(port)) == nil { try(name + "-fastopen-connect", send(fd, "sendto", 0, v4(shut))); greeted(fd) }
		for _, how := range []string{"sendto", "sendmsg", "sendmmsg"} {
			fd = sock(syscall.AF_INET, syscall.SOCK_STREAM)
			try(name + "-fastopen-" + how, send(fd, how, 0x20000000, v4(port)))
			fd = sock(syscall.AF_INET, syscall.SOCK_STREAM)
			try(name + "-plain-" + how, send(fd, how, 0x4000, v4(port)))
			fd = sock(syscall.AF_INET, syscall.SOCK_DGRAM)
			try(name + "-udp-" + how, send(fd, how, 0, v4(port)))
		}
		fd = sock(syscall.AF_INET, syscall.SOCK_STREAM) // connect, end it, connect elsewhere
		if connect(fd, v4(open)) == nil && greeted(fd) == nil && connect(fd, []byte{0, 0, 9, 9}) == nil {
			try(name + "-again", connect(fd, v4(port)))
		}
		// in a thread with descriptors of its own
		done := make(chan error)
		go func() {
			runtime.LockOSThread()
			err := syscall.Unshare(syscall.CLONE_FILES)
			if err == nil { err = tcp(syscall.AF_INET, v4(port)) }
			done <- err
		}()
		try(name + "-own-files", <-done)
	}
	for name, err := range map[string]error{
		"source-route": setopt(sock(syscall.AF_INET, syscall.SOCK_STREAM), 0, 4, []byte{131, 7, 4, 127, 0, 0, 1, 0}),
		"source-route-6": setopt(sock(syscall.AF_INET6, syscall.SOCK_STREAM), 0, 4, []byte{131, 7, 4, 127, 0, 0, 1, 0}),
		"routing-header": setopt(sock(syscall.AF_INET6, syscall.SOCK_STREAM), 41, 57, make([]byte, 24)),
		"another-kind": setopt(sock(syscall.AF_INET, syscall.SOCK_STREAM), 6, 31, []byte("smc")),
		"zero": tcp(syscall.AF_INET, func() []byte { a := v4(open); a[4], a[7] = 0, 0; return a }()),
		"ip6-loopback": tcp(syscall.AF_INET6, func() []byte { a := v6(open); copy(a[8:24], []byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}); return a }()),
		"too-short": tcp(syscall.AF_INET, v4(open)[:15]), "too-long": tcp(syscall.AF_INET, append(v4(open), make([]byte, 200)...)), "another-family": tcp(syscall.AF_INET, []byte{38, 0, 0, 0}),
	} { try(name, err) }
	for name, s := range map[string][3]int{"udp": {2, 2, 0}, "udp6": {10, 2, 0}, "icmp": {2, 2, 1}, "raw": {2, 3, 1}, "packet": {17, 3, 0}, "netlink": {16, 3, 0}, "vsock": {40, 1, 0}, "mptcp": {2, 1, 262}, "sctp": {2, 1, 132}} {
		if _, err := syscall.Socket(s[0], s[1], s[2]); err == nil { fmt.Print(name, " ") }
	}
	if _, _, e := syscall.Syscall(425, 8, 0, 0); e != syscall.ENOSYS { fmt.Print("io_uring ") }
	for wants, fd := range map[syscall.Errno]int{syscall.EBADF: 999, syscall.ENOTSOCK: 1} {
		if err := connect(fd, v4(open)); err != wants { fmt.Print("connects-", fd, "-", err, " ") }
	}
	if _, _, e := syscall.Syscall(syscall.SYS_CONNECT, uintptr(sock(2, 1)), 8, 16); e != syscall.EFAULT { fmt.Print("bad-address-", e, " ") }
	if u, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_DGRAM, 0); err == nil { // one of its own it reaches, where it may have such
		l, _ := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_DGRAM, 0)
		_ = os.Chdir(os.Getenv("TMPDIR"))
		at := &syscall.SockaddrUnix{Name: "own"}
		if err := syscall.Bind(l, at); err != nil { fmt.Print("no-bind-", err, " ") }
		if err := syscall.Connect(u, at); err != nil { fmt.Print("own-socket-", err, " ") }
	}
	again := sock(syscall.AF_INET, syscall.SOCK_STREAM)
	for range OFTEN { // however often it asks it is answered
		if err := connect(again, v4(shut)); err != syscall.EACCES { fmt.Print("B-often-", err, " ") }
	}
	out, _ := exec.Command("/proc/self/exe", "child").Output()
	if len(out) == 0 { out, _ = exec.Command(os.Args[0], "child").Output() }
	fmt.Println(string(out))
	race()
}

// race changes the address, and the socket, while the call is judged.
func race() {
	addr := v4(open)
	stop := time.Now().Add(RACE)
	unixes := sock(syscall.AF_UNIX, syscall.SOCK_STREAM)
	fresh := func() int { // nobody waits for it, and its port is free again at once
		fd := sock(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK)
		setopt(fd, 1, 13, []byte{1, 0, 0, 0, 0, 0, 0, 0}) // SO_LINGER
		return fd
	}
	slot := fresh()
	for range 2 {
		go func() {
			for time.Now().Before(stop) {
				for range 100 {
					*(*uint16)(unsafe.Pointer(&addr[2])) = uint16(shut&255)<<8 | uint16(shut>>8)
					*(*uint16)(unsafe.Pointer(&addr[2])) = uint16(open&255)<<8 | uint16(open>>8)
				}
				if unixes >= 0 { syscall.Dup3(unixes, slot, 0) }
				fd := fresh()
				syscall.Dup3(fd, slot, 0)
				syscall.Close(fd)
			}
		}()
	}
	for time.Now().Before(stop) {
		connect(slot, addr)
		fd := fresh()
		connect(fd, addr)
		syscall.Close(fd)
	}
}
`
