package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/services/runner/cell"
)

// door is a server that counts who comes.
type door struct {
	addr string
	came atomic.Int32
}

func (d *door) port() string { return d.addr[strings.LastIndex(d.addr, ":")+1:] }

func newDoor(t *testing.T, addr string) *door {
	t.Helper()
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	d := &door{addr: ln.Addr().String()}
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			d.came.Add(1)
			_, _ = io.WriteString(c, "hello\n")
			_ = c.Close()
		}
	}()
	return d
}

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
	race()
	out, _ := exec.Command("/proc/self/exe", "child").Output()
	if len(out) == 0 { out, _ = exec.Command(os.Args[0], "child").Output() }
	fmt.Println(string(out))
}

// race changes the address, and the socket, while the call is judged.
func race() {
	addr := v4(open)
	stop := time.Now().Add(RACE)
	unixes := sock(syscall.AF_UNIX, syscall.SOCK_STREAM)
	slot := sock(syscall.AF_INET, syscall.SOCK_STREAM)
	for range 2 {
		go func() {
			for time.Now().Before(stop) {
				for range 100 {
					*(*uint16)(unsafe.Pointer(&addr[2])) = uint16(shut&255)<<8 | uint16(shut>>8)
					*(*uint16)(unsafe.Pointer(&addr[2])) = uint16(open&255)<<8 | uint16(open>>8)
				}
				if unixes >= 0 { syscall.Dup3(unixes, slot, 0) }
				fresh := sock(syscall.AF_INET, syscall.SOCK_STREAM)
				syscall.Dup3(fresh, slot, 0)
				syscall.Close(fresh)
			}
		}()
	}
	for time.Now().Before(stop) {
		connect(slot, addr)
		fd := sock(syscall.AF_INET, syscall.SOCK_STREAM)
		connect(fd, addr)
		syscall.Close(fd)
	}
}
`

// A flow whose profile lists what it may connect to gets there, in every way, and
// nowhere else in none.
func TestConnects(t *testing.T) {
	cannot(t)
	open, shut := newDoor(t, "127.0.0.1:0"), newDoor(t, "127.0.0.1:0")
	race := "300*time.Millisecond"
	if !testing.Short() {
		race = "3*time.Second"
	}
	forms := map[string]func(*Config){
		"with a view": func(*Config) {}, "without mounts": func(c *Config) { c.hidden.mounts = true }, "without namespaces": func(c *Config) { c.hidden.spaces = true },
	}
	if os.Geteuid() == 0 {
		forms["as another user"] = func(c *Config) { c.FlowUser = fmt.Sprint(theFlowUser) }
		forms["as another user without namespaces"] = func(c *Config) { c.FlowUser, c.hidden.spaces = fmt.Sprint(theFlowUser), true }
	}
	for name, change := range forms {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, eventstest.Options{})
			l.openWay()
			l.build("flow", strings.NewReplacer("OPEN", open.port(), "SHUT", shut.port(), "RACE", race, "SENDMMSG", fmt.Sprint(unix.SYS_SENDMMSG)).Replace(reaches))
			r := l.shut(func(c *Config) {
				change(c)
				c.Profiles = []string{"web: owners *; connect 127.0.0.1:" + open.port()}
			})
			url := l.serve(r).URL
			l.background(r.Run)
			ended := l.granted(url, "k", "web")
			got := strings.Fields(l.printed(ended))
			slices.Sort(got)
			want := []string{"A-again", "A-blocking", "A-bound", "A-child", "A-dial", "A-fastopen-connect", "A-later", "A-mapped", "A-own-files", "A-short6"}
			if strings.Contains(name, "without") && r.room.Form.Landlock < 4 {
				want = append(want, "bind", "bind")
			}
			if ended.Status != events.OK || !slices.Equal(got, want) {
				t.Errorf("it got to %q, want %q: %+v", got, want, ended)
			}
			if n := shut.came.Load(); n > 0 {
				t.Errorf("%d connections to what is not listed", n)
			}
		})
	}
	if open.came.Load() == 0 {
		t.Error("nobody came to what is listed")
	}
}

// openWay lets everybody pass to the drive, and write to the output.
func (l *lab) openWay() {
	l.t.Helper()
	for dir := l.host("in"); dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			l.t.Fatal(err)
		}
	}
}

// printed is what a flow printed.
func (l *lab) printed(ended events.RunEvent) (said string) {
	text, err := os.ReadFile(filepath.Join(runDir(l.data, ended.FlowJobID), "run.log"))
	if err != nil {
		l.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "---") {
			said += line
		}
	}
	return said
}

func cannot(t *testing.T) {
	t.Helper()
	if why := (hidden{}).canAsk(); why != nil || canSandbox() != nil {
		t.Skipf("flows cannot be held to what they may connect to on this kernel: %v", why)
	}
}

// Names are in the flow's own /etc/hosts, with the addresses that it may connect to.
func TestConnectsToNames(t *testing.T) {
	cannot(t)
	l := newLab(t, eventstest.Options{})
	open, shut := newDoor(t, "127.0.0.1:0"), newDoor(t, "127.0.0.1:0")
	source := func(hosts ...string) {
		t.Helper()
		l.build("flow", strings.Replace(`package main
import ("fmt"; "net"; "os"; "strings")
func main() {
	for _, at := range strings.Fields("HOSTS") {
		c, err := net.Dial("tcp", at)
		if err != nil { fmt.Println(err); continue }
		fmt.Println("connected to", at); c.Close()
	}
	os.Exit(3)
}`, "HOSTS", strings.Join(hosts, " "), 1))
	}
	r := l.shut(func(c *Config) {
		c.Offline = true // a profile says more
		c.Profiles = []string{"db: owners *; connect db.example:" + open.port() + " gone.example:1 [2001:db8::7]:*"}
	})
	if !r.room.Form.View {
		t.Skip("without a mount namespace flows have the hosts file of this host")
	}
	r.names.lookup = func(_ context.Context, host string) ([]netip.Addr, error) {
		if host == "gone.example" {
			return nil, errors.New("no such host")
		}
		return []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::ffff:127.0.0.1"), netip.IPv4Unspecified()}, nil
	}
	url := l.serve(r).URL
	l.background(r.Run)
	for _, c := range []struct{ to, says, message string }{
		{"db.example:" + open.port(), "connected to db.example", "exit status 3"},
		{"db.example:" + shut.port(), "permission denied", fmt.Sprintf(`the sandbox denied a connection to %s, which the profile line "connect db.example:%s" would allow; the job names db; exit status 3`, shut.addr, shut.port())},
		{"127.0.0.2:" + open.port(), "permission denied", fmt.Sprintf(`"connect 127.0.0.2:%s" would allow`, open.port())},
		{"other.example:443", "other.example", `the sandbox knows no address of other.example, which the profile line "connect other.example:PORT" would allow`},
	} {
		source(c.to)
		ended := l.granted(url, c.to, "db")
		if said := l.printed(ended); !strings.Contains(said, c.says) || !strings.Contains(ended.Message, c.message) {
			t.Errorf("to %s: it says %q, and the run %+v", c.to, said, ended)
		}
		text, _ := os.ReadFile(filepath.Join(runDir(l.data, ended.FlowJobID), "hosts"))
		if !strings.HasPrefix(string(text), "127.0.0.1\tdb.example\n") || strings.Contains(string(text), "0.0.0.0\t") {
			t.Errorf("its hosts are %q", text)
		}
		log, _ := os.ReadFile(filepath.Join(runDir(l.data, ended.FlowJobID), "run.log"))
		if !strings.Contains(string(log), "gone.example has no address at present: no such host") {
			t.Errorf("the log does not say that a name has no address: %s", log)
		}
	}
	if n := shut.came.Load(); n > 0 {
		t.Errorf("%d connections to what is not listed", n)
	}
}

// New addresses of a name are taken over while a flow runs; those of before stay once.
func TestNamesThatMove(t *testing.T) {
	dir, err := openRunFolder(t.TempDir(), "r")
	if err != nil {
		t.Fatal(err)
	}
	defer dir.close()
	at := func(addr string) map[string]resolved {
		return map[string]resolved{"db": {addrs: []netip.Addr{netip.MustParseAddr(addr)}}}
	}
	c := &reach{targets: []events.Target{{Host: "db", Port: 5432}, {Host: "10.0.0.9"}}, now: at("10.0.0.1")}
	if err := c.publish(dir); err != nil {
		t.Fatal(err)
	}
	defer c.close()
	ours, theirs, err := socketPair()
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	defer ours.Close()
	f := &flow{guard: ours}
	if err := errors.Join(c.hold(f), c.renew(at("10.0.0.1"), f), c.renew(at("10.0.0.2"), f)); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(filepath.Join(dir.path, "hosts")); !strings.HasPrefix(string(text), "10.0.0.2\tdb\n") || strings.Contains(string(text), "10.0.0.1\t") {
		t.Errorf("the hosts are %q", text)
	}
	var lists []string
	for range 2 { // the second list said what was known
		var w cell.Wish
		if _, err := cell.Receive(theirs, &w); err != nil {
			t.Fatal(err)
		}
		var said strings.Builder
		for _, p := range w.Reach.Peers {
			said.WriteString(fmt.Sprintf("%v:%d ", netip.AddrFrom16(p.Addr).Unmap(), p.Port))
		}
		lists = append(lists, said.String())
	}
	if want := []string{"10.0.0.1:5432 10.0.0.9:0 ", "10.0.0.2:5432 10.0.0.9:0 10.0.0.1:5432 10.0.0.9:0 "}; !slices.Equal(lists, want) {
		t.Errorf("the guard was told %q, want %q", lists, want)
	}
	asked := 0
	names := names{lookup: func(context.Context, string) ([]netip.Addr, error) {
		if asked++; asked > 1 {
			return nil, errors.New("nobody answers")
		}
		return []netip.Addr{netip.MustParseAddr("10.0.0.1")}, nil
	}}
	for range 3 { // once within its time
		names.of(t.Context(), []string{"db"})
	}
	was := names.known["db"]
	was.at = time.Now().Add(-2 * namesEvery)
	names.known["db"] = was
	if got := names.of(t.Context(), []string{"db"})["db"]; asked != 2 || got.err == nil || len(got.addrs) != 1 {
		t.Errorf("asked %d times, and it is %+v: what cannot be found is as it was", asked, got)
	}
}

// A call that waits holds up no other, a signal cuts it short, and the end of its flow ends it.
func TestConnectsThatWait(t *testing.T) {
	cannot(t)
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("there is no python3, which can be cut short by a signal")
	}
	l := newLab(t, eventstest.Options{})
	open, full := newDoor(t, "127.0.0.1:0"), fullDoor(t)
	l.write("flow", fmt.Sprintf(`#!/usr/bin/python3
import errno, os, signal, socket, sys, threading, time
def to(port, **more):
    s = socket.socket()
    s.connect(("127.0.0.1", port))
    return s
def wait():
    try: to(%[2]s)
    except Exception as e: print("waited", e, flush=True)
threads = [threading.Thread(target=wait, daemon=True) for _ in range(20)]
for t in threads: t.start()
time.sleep(0.2)
began = time.time()
for _ in range(20): to(%[1]s)
print("others", "quick" if time.time() - began < 10 else "held up", flush=True)
def alarm(*_): raise TimeoutError("alarm")
signal.signal(signal.SIGALRM, alarm)
signal.setitimer(signal.ITIMER_REAL, 0.2)
try: to(%[2]s)
except TimeoutError as e: print("cut by", e, flush=True)
signal.signal(signal.SIGALRM, lambda *_: None) # the call is made again, as it was
signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
for _ in range(20):
    s = socket.socket(); s.setblocking(False)
    e = s.connect_ex(("127.0.0.1", %[1]s))
    if e not in (0, errno.EINPROGRESS): print("without a wait:", os.strerror(e), flush=True)
for _ in range(20): to(%[1]s)
if os.fork() == 0: to(%[2]s) # is left behind, and ended
os._exit(0)
`, open.port(), full), 0o755)
	r := l.shut(func(c *Config) {
		c.Profiles = []string{"web: owners *; connect 127.0.0.1:*"}
	})
	url := l.serve(r).URL
	l.background(r.Run)
	ended := l.granted(url, "k", "web")
	if said := l.printed(ended); said != "others quick\ncut by alarm\n" || ended.Status != events.OK {
		t.Errorf("it says %q: %+v", said, ended)
	}
}

// fullDoor listens, but has no place for anybody: who connects to it waits.
func fullDoor(t *testing.T) (port string) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	if err := errors.Join(unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), unix.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	at, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		c, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = unix.Close(c) })
		_ = unix.Connect(c, at) // EINPROGRESS
	}
	return fmt.Sprint(at.(*unix.SockaddrInet4).Port)
}

// Where flows cannot be held to a list they do not run.
func TestConnectsAreRefused(t *testing.T) {
	for _, c := range []struct {
		change func(*Config)
		want   string
	}{
		{func(c *Config) { c.hidden.asks = true }, "lets nobody listen to seccomp filters (user notification)"},
		{func(c *Config) { c.hidden.seccomp = true }, "has no seccomp filters"},
		{func(c *Config) { c.Sandbox = SandboxOff }, "they are not shut in (--sandbox off)"},
	} {
		l := newLab(t, eventstest.Options{})
		l.flow("flow", "echo it runs")
		r := l.shut(func(cfg *Config) {
			cfg.Profiles = []string{"web: owners *; connect db.example:5432"}
			c.change(cfg)
		})
		url := l.serve(r).URL
		stop := l.background(r.Run)
		ended := l.granted(url, "k", "web")
		if want := "connect db.example:5432: flows cannot be held to that here, and get no other network instead: "; !strings.Contains(ended.Message, want) || !strings.Contains(ended.Message, c.want) || l.printed(ended) != "" {
			t.Errorf("%+v, want %q", ended, want+"… "+c.want)
		}
		stop()
	}
}
