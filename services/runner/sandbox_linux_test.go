package runner

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

// whole reports that this kernel has the sandbox; where it has not, the
// terminal says what is not shown.
func whole(t *testing.T) bool {
	t.Helper()
	if why := canSandbox(); why != nil {
		fmt.Fprintf(os.Stderr, "%s: NOT SHOWN on this kernel: %v\n", t.Name(), why)
		return false
	}
	return true
}

// build makes a static program of Go source, in the drive.
func (h *harness) build(name, source string) {
	h.t.Helper()
	dir := h.t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(source), 0o644); err != nil {
		h.t.Fatal(err)
	}
	cmd := exec.Command("go", "build", "-o", h.host(name), "main.go")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		h.t.Fatalf("%v: %s", err, out)
	}
}

const goFlow = `package main

import ("os"; "path/filepath"; "net"; "os/user")

func main() {
	text, err := os.ReadFile(filepath.Join(os.Args[1], "a.txt"))
	if err == nil { err = os.WriteFile(filepath.Join(os.Args[2], "a.txt"), text, 0o644) }
	if err == nil { _, err = os.CreateTemp("", "") }
	if err == nil { _, err = net.LookupHost("localhost") }
	if err == nil { _, err = user.Current() }
	if err != nil { println(err.Error()); os.Exit(1) }
}`

// Flows of all kinds run in the sandbox, the demo's too.
func TestFlowsInTheSandbox(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	h.write("in/a.txt", "some words\n", 0o644)
	h.flow("sh", `set -e; sort "$1/a.txt" | sed s/some/more/ > "$TMPDIR/x"; mv "$TMPDIR/x" "$2/a.txt"; ls "$1" >/dev/null; id -un; date`)
	h.build("go", goFlow)
	demo, err := os.ReadFile("../../deploy/demo/flow.ibflowbin")
	if err != nil {
		t.Fatal(err)
	}
	h.write("demo", string(demo), 0o755)
	flows := map[string]string{"sh": "a.txt", "go": "a.txt", "demo": "a.txt.json"}
	if _, err := os.Stat("/usr/bin/perl"); err == nil {
		h.write("perl", `#!/usr/bin/perl
use strict; use File::Temp; use IO::Socket::UNIX; use POSIX;
open(my $in, "<", "$ARGV[0]/a.txt") or die; my $text = <$in>;
my $tmp = File::Temp->new; print $tmp $text or die;
defined(my $pid = fork) or die; exit 0 if !$pid; waitpid($pid, 0);
open(my $out, ">", "$ARGV[1]/a.pl.txt") or die; print $out uc $text or die; close $out or die;
`, 0o755)
		flows["perl"] = "a.pl.txt"
	} else {
		fmt.Fprintf(os.Stderr, "%s: NOT SHOWN: there is no perl in /usr/bin\n", t.Name())
	}
	if _, err := os.Stat("/usr/bin/python3"); err == nil {
		h.write("python3", `#!/usr/bin/python3
import sys, os, json, tempfile, hashlib, ssl, socket, subprocess
text = open(os.path.join(sys.argv[1], "a.txt")).read()
tempfile.NamedTemporaryFile().close()
socket.socket().close()
subprocess.run(["true"], check=True, stdout=subprocess.DEVNULL)
json.dump({"sum": hashlib.sha256(text.encode()).hexdigest()}, open(os.path.join(sys.argv[2], "a.json"), "w"))
`, 0o755)
		flows["python3"] = "a.json"
	} else {
		fmt.Fprintf(os.Stderr, "%s: NOT SHOWN: there is no python3 in /usr/bin\n", t.Name())
	}
	whole(t)
	r := h.shut(nil)
	url := h.serve(r).URL
	h.background(r.Run)
	for flow, makes := range flows {
		t.Run(flow, func(t *testing.T) {
			out := "out-" + flow
			id := h.accept(url, flow, flow, `{"output_dir":"`+logical(out)+`"}`)
			if ended := h.until(events.Ended, id); ended.Status != events.OK {
				t.Errorf("ended %+v", ended)
			}
			if !h.exists(out + "/" + makes) {
				t.Errorf("there is no %s", makes)
			}
		})
	}
}

const socketFlow = `package main

import ("encoding/json"; "fmt"; "net"; "os"; "syscall")

func main() {
	got := map[string]string{}
	note := func(name string, err error) { got[name] = fmt.Sprint(err == nil) }
	for name, s := range map[string][3]int{
		"tcp": {syscall.AF_INET, syscall.SOCK_STREAM, 0}, "tcp6": {syscall.AF_INET6, syscall.SOCK_STREAM, 0},
		"mptcp": {syscall.AF_INET, syscall.SOCK_STREAM, 262}, "udp": {syscall.AF_INET, syscall.SOCK_DGRAM, 0},
		"unix": {syscall.AF_UNIX, syscall.SOCK_STREAM, 0}, "netlink": {syscall.AF_NETLINK, syscall.SOCK_RAW, 0},
	} {
		_, err := syscall.Socket(s[0], s[1], s[2])
		if err == syscall.EPROTONOSUPPORT { continue }
		note(name, err)
	}
	_, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	note("pair", err)
	_, _, errno := syscall.RawSyscall(425, 8, 0, 0) // io_uring_setup, with a bad address
	note("io_uring", map[bool]error{true: errno}[errno == syscall.EACCES || errno == syscall.ENOSYS])
	c, err := net.Dial("tcp", "ADDRESS")
	note("call", err)
	if err == nil { c.Close() }
	text, _ := json.Marshal(got)
	os.WriteFile(os.Args[2]+"/got", text, 0o644)
}`

// Sockets of every kind are tried where the network is denied, and where it is not.
func TestNetwork(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	if why := canFilter(); why != nil {
		fmt.Fprintf(os.Stderr, "%s: NOT SHOWN on this kernel: %v\n", t.Name(), why)
		return
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	h.build("flow", strings.Replace(socketFlow, "ADDRESS", ln.Addr().String(), 1))
	for _, sandbox := range []Sandbox{SandboxBestEffort, SandboxOff} {
		for _, offline := range []bool{false, true} {
			t.Run(fmt.Sprintf("sandbox %s, offline %v", sandbox, offline), func(t *testing.T) {
				if sandbox != SandboxOff && !whole(t) {
					return
				}
				h.t = t
				r := h.runner(func(c *Config) { c.Sandbox, c.Offline = sandbox, offline })
				url := h.serve(r).URL
				stop := h.background(r.Run)
				defer stop()
				id := h.accept(url, t.Name(), "flow", `{"delete_out_dir":true}`)
				if ended := h.until(events.Ended, id); ended.Status != events.OK {
					t.Fatalf("ended %+v", ended)
				}
				var got map[string]string
				if err := json.Unmarshal([]byte(h.read("out/got")), &got); err != nil {
					t.Fatal(err)
				}
				for name, may := range got {
					never := sandbox != SandboxOff && (name == "netlink" || name == "mptcp" || name == "io_uring")
					if want := fmt.Sprint(!never && !offline || name == "pair"); may != want {
						t.Errorf("%s: %s, want %s", name, may, want)
					}
				}
				if len(got) < 7 {
					t.Errorf("only %v were tried", got)
				}
			})
		}
	}
}

func TestRequiredRefuses(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	cfg := h.runner(nil).cfg
	cfg.Sandbox, cfg.ReadPaths = SandboxRequired, []string{"/no/such/folder"}
	if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), "runner-read: /no/such/folder") {
		t.Errorf("a folder that is not there: %v", err)
	}
	cfg.ReadPaths = nil
	r, err := New(cfg)
	cfg.Sandbox = SandboxBestEffort
	if r == nil {
		if r, _ = New(cfg); len(r.Lacks()) == 0 {
			t.Errorf("New: %v, and nothing is lacking", err)
		}
	} else if len(r.Lacks()) > 0 {
		t.Errorf("New takes what lacks %q", r.Lacks())
	}
	cfg.Sandbox, cfg.hidden.landlock = SandboxRequired, -1
	if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), "sandbox: this host cannot do all that is required: ") || !strings.Contains(err.Error(), "Landlock") {
		t.Errorf("New without Landlock: %v", err)
	}
}
