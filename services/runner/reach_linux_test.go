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
	"spool.internal/services/runner/record"
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

// A flow whose profile lists what it may connect to gets there, in every way, and
// nowhere else in none.
func TestConnects(t *testing.T) {
	t.Parallel()
	tryConnects(t, "300*time.Millisecond")
}

func TestLongConnects(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long")
	}
	tryConnects(t, "5*time.Second")
}

func tryConnects(t *testing.T, race string) {
	cannot(t)
	open, shut := newDoor(t, "127.0.0.1:0"), newDoor(t, "127.0.0.1:0")
	forms := map[string]func(*Config){
		"with a view": func(*Config) {}, "without mounts": func(c *Config) { c.hidden.mounts = true }, "without namespaces": func(c *Config) { c.hidden.spaces = true },
	}
	if os.Geteuid() == 0 {
		forms["as another user"] = func(c *Config) { c.FlowUser = fmt.Sprint(theFlowUser) }
		forms["as another user without namespaces"] = func(c *Config) { c.FlowUser, c.hidden.spaces = fmt.Sprint(theFlowUser), true }
	}
	for name, change := range forms {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, eventstest.Options{})
			h.openWay()
			often := "100"
			if name == "with a view" {
				often = "20_000" // until the guard collects its garbage
			}
			h.build("flow", strings.NewReplacer("OFTEN", often, "OPEN", open.port(), "SHUT", shut.port(), "RACE", race, "SENDMMSG", fmt.Sprint(unix.SYS_SENDMMSG)).Replace(reaches))
			r := h.shut(func(c *Config) {
				change(c)
				c.Profiles = []string{"web: owners *; connect 127.0.0.1:" + open.port()}
			})
			url := h.serve(r).URL
			h.background(r.Run)
			ended := h.granted(url, "k", "web")
			if said := h.printed(ended); strings.Contains(said, "takes the right to trace it") {
				t.Skipf("this user may not trace another, as in many containers, so that nothing of it runs: %s", said)
			}
			got := strings.Fields(h.printed(ended))
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
func (h *harness) openWay() {
	h.t.Helper()
	for dir := h.host("in"); dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			h.t.Fatal(err)
		}
	}
}

// printed is what a flow printed.
func (h *harness) printed(ended events.RunEvent) (said string) {
	text, err := os.ReadFile(filepath.Join(record.Dir(h.data, ended.FlowJobID), "run.log"))
	if err != nil {
		h.t.Fatal(err)
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
	t.Parallel()
	cannot(t)
	h := newHarness(t, eventstest.Options{})
	open, shut := newDoor(t, "127.0.0.1:0"), newDoor(t, "127.0.0.1:0")
	source := func(hosts ...string) {
		t.Helper()
		h.build("flow", strings.Replace(`package main
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
	r := h.shut(func(c *Config) {
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
	url := h.serve(r).URL
	h.background(r.Run)
	for _, c := range []struct{ to, says, message string }{
		{"db.example:" + open.port(), "connected to db.example", "exit status 3"},
		{"db.example:" + shut.port(), "permission denied", fmt.Sprintf(`the sandbox denied a connection to %s, which the profile line "connect db.example:%s" would allow; the job names db; exit status 3`, shut.addr, shut.port())},
		{"127.0.0.2:" + open.port(), "permission denied", fmt.Sprintf(`"connect 127.0.0.2:%s" would allow`, open.port())},
		{"other.example:443", "other.example", `the sandbox knows no address of other.example, which the profile line "connect other.example:PORT" would allow`},
	} {
		source(c.to)
		ended := h.granted(url, c.to, "db")
		if said := h.printed(ended); !strings.Contains(said, c.says) || !strings.Contains(ended.Message, c.message) {
			t.Errorf("to %s: it says %q, and the run %+v", c.to, said, ended)
		}
		text, _ := os.ReadFile(filepath.Join(record.Dir(h.data, ended.FlowJobID), "hosts"))
		if !strings.HasPrefix(string(text), "127.0.0.1\tdb.example\n") || strings.Contains(string(text), "0.0.0.0\t") {
			t.Errorf("its hosts are %q", text)
		}
		log, _ := os.ReadFile(filepath.Join(record.Dir(h.data, ended.FlowJobID), "run.log"))
		if !strings.Contains(string(log), "gone.example has no address at present: no such host") {
			t.Errorf("the log does not say that a name has no address: %s", log)
		}
	}
	if n := shut.came.Load(); n > 0 {
		t.Errorf("%d connections to what is not listed", n)
	}
}

// limits are what a flow is kept to, one after the other.
type limits []cell.Reach

func (l *limits) Limit(r cell.Reach) error {
	*l = append(*l, r)
	return nil
}

// New addresses of a name are taken over while a flow runs; those of before stay once.
func TestNamesThatMove(t *testing.T) {
	t.Parallel()
	dir, err := record.Open(t.TempDir(), "r")
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	at := func(addr string) map[string]resolved {
		return map[string]resolved{"db": {addrs: []netip.Addr{netip.MustParseAddr(addr)}}}
	}
	c := &reach{targets: []events.Target{{Host: "db", Port: 5432}, {Host: "10.0.0.9"}}, now: at("10.0.0.1")}
	if err := c.publish(dir); err != nil {
		t.Fatal(err)
	}
	defer c.close()
	f := &limits{}
	if err := errors.Join(c.hold(f), c.renew(at("10.0.0.1"), f), c.renew(at("10.0.0.2"), f)); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(filepath.Join(dir.Path, "hosts")); !strings.HasPrefix(string(text), "10.0.0.2\tdb\n") || strings.Contains(string(text), "10.0.0.1\t") {
		t.Errorf("the hosts are %q", text)
	}
	var lists []string
	for _, limit := range *f { // the second list said what was known
		var said strings.Builder
		for _, p := range limit.Peers {
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
	t.Parallel()
	cannot(t)
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("there is no python3, which can be cut short by a signal")
	}
	h := newHarness(t, eventstest.Options{})
	open, full := newDoor(t, "127.0.0.1:0"), fullDoor(t)
	h.write("flow", fmt.Sprintf(`#!/usr/bin/python3
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
signal.signal(signal.SIGALRM, lambda *_: None) # the call is cut short, or made again as it was
signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
for _ in range(20):
    s = socket.socket(); s.setblocking(False)
    e = s.connect_ex(("127.0.0.1", %[1]s))
    if e not in (0, errno.EINPROGRESS, errno.EINTR): print("without a wait:", os.strerror(e), flush=True)
for _ in range(20): to(%[1]s)
if os.fork() == 0: to(%[2]s) # is left behind, and ended
os._exit(0)
`, open.port(), full), 0o755)
	r := h.shut(func(c *Config) {
		c.Profiles = []string{"web: owners *; connect 127.0.0.1:*"}
	})
	url := h.serve(r).URL
	h.background(r.Run)
	ended := h.granted(url, "k", "web")
	if said := h.printed(ended); said != "others quick\ncut by alarm\n" || ended.Status != events.OK {
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
	t.Parallel()
	for _, c := range []struct {
		change func(*Config)
		want   string
	}{
		{func(c *Config) { c.hidden.asks = true }, "lets nobody listen to seccomp filters (user notification)"},
		{func(c *Config) { c.hidden.seccomp = true }, "has no seccomp filters"},
		{func(c *Config) { c.Sandbox = SandboxOff }, "they are not shut in (--sandbox off)"},
	} {
		h := newHarness(t, eventstest.Options{})
		h.flow("flow", "echo it runs")
		r := h.shut(func(cfg *Config) {
			cfg.Profiles = []string{"web: owners *; connect db.example:5432"}
			c.change(cfg)
		})
		url := h.serve(r).URL
		stop := h.background(r.Run)
		ended := h.granted(url, "k", "web")
		if want := "connect db.example:5432: flows cannot be held to that here, and get no other network instead: "; !strings.Contains(ended.Message, want) || !strings.Contains(ended.Message, c.want) || h.printed(ended) != "" {
			t.Errorf("%+v, want %q", ended, want+"… "+c.want)
		}
		stop()
	}
}
