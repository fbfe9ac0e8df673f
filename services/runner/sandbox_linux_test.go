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

	"github.com/google/go-cmp/cmp"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/services/runner/cell"
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
func (l *lab) build(name, source string) {
	l.t.Helper()
	dir := l.t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(source), 0o644); err != nil {
		l.t.Fatal(err)
	}
	cmd := exec.Command("go", "build", "-o", l.host(name), "main.go")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		l.t.Fatalf("%v: %s", err, out)
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
	l := newLab(t, eventstest.Options{})
	l.write("in/a.txt", "some words\n", 0o644)
	l.flow("sh", `set -e; sort "$1/a.txt" | sed s/some/more/ > "$TMPDIR/x"; mv "$TMPDIR/x" "$2/a.txt"; ls "$1" >/dev/null; id -un; date`)
	l.build("go", goFlow)
	demo, err := os.ReadFile("../../deploy/demo/flow.ibflowbin")
	if err != nil {
		t.Fatal(err)
	}
	l.write("demo", string(demo), 0o755)
	flows := map[string]string{"sh": "a.txt", "go": "a.txt", "demo": "a.txt.json"}
	if python, err := exec.LookPath("python3"); err == nil && strings.HasPrefix(python, "/usr/") {
		l.write("python3", `#!/usr/bin/env python3
import sys, os, json, tempfile, hashlib, ssl, socket, subprocess
text = open(os.path.join(sys.argv[1], "a.txt")).read()
tempfile.NamedTemporaryFile().close()
socket.socket().close()
subprocess.run(["true"], check=True, stdout=subprocess.DEVNULL)
json.dump({"sum": hashlib.sha256(text.encode()).hexdigest()}, open(os.path.join(sys.argv[2], "a.json"), "w"))
`, 0o755)
		flows["python3"] = "a.json"
	} else {
		fmt.Fprintf(os.Stderr, "%s: NOT SHOWN: there is no python3 in /usr\n", t.Name())
	}
	whole(t)
	r := l.shut(nil)
	url := l.serve(r).URL
	l.background(r.Run)
	for flow, makes := range flows {
		t.Run(flow, func(t *testing.T) {
			out := "out-" + flow
			id := l.accept(url, flow, flow, `{"output_dir":"`+logical(out)+`"}`)
			if ended := l.until(events.Ended, id); ended.Status != events.OK {
				t.Errorf("ended %+v", ended)
			}
			if !l.exists(out + "/" + makes) {
				t.Errorf("there is no %s", makes)
			}
		})
	}
}

// What the sandbox denies is tried, and so is what it allows.
func TestSandboxDenies(t *testing.T) {
	l := newLab(t, eventstest.Options{})
	if !whole(t) {
		return
	}
	outside := t.TempDir()
	l.write("in/a.txt", "as it was", 0o666)
	l.write("other/secret", "of another job", 0o666)
	l.flow("flow", `
out=$2; in=$1
try() { name=$1; shift; if (eval "$@") >"$TMPDIR/said" 2>&1; then echo "$name yes"; else echo "$name no"; fi >>"$out/tried"; }
try shadow      'cat /etc/shadow'
try host-key    'cat /etc/ssl/private/*'
try proc        'cat /proc/1/environ'
try data        "ls '`+l.data+`/runs'"
try own-log     "cat '`+l.data+`/runs/$SPOOL_RUN_ID/run.log'"
try other-job   "cat '`+l.host("other/secret")+`'"
try outside     "echo x > '`+outside+`/x'"
try beside-out  "echo x > '$out/../x'"
try into-tmp    'echo x > /tmp/spool-test-$$'
try write-input "echo x > '$in/a.txt'"
try add-input   "echo x > '$in/b.txt'"
try cut-input   "truncate -s 0 '$in/a.txt'"
try drop-input  "rm '$in/a.txt'"
try move-input  "mv '$in/a.txt' '$out/'"
try make-device "mknod '$out/disk' b 254 0 && head -c 1 '$out/disk'"
try mount       "mount -t tmpfs none '$out'"
try kill-runner "kill -0 $PPID"
try run-written "cp /bin/true '$out/true' && '$out/true'"
try read-input  "grep -q 'as it was' '$in/a.txt'"
try passwd      'grep -q root /etc/passwd'
try write-out   "mkdir '$out/d' && echo x > '$out/d/x' && ln '$out/d/x' '$out/y' && rm -r '$out/d'"
try private     'echo x > "$TMPDIR/x" && mv "$TMPDIR/x" "$out/z" && [ "$HOME" = "$TMPDIR" ]'
try devices     'head -c 1 /dev/urandom >/dev/null && head -c 9 /dev/zero | wc -c'
`)
	r := l.shut(nil)
	if !r.Sandboxed() {
		t.Error("the runner does not say that flows are shut in")
	}
	url := l.serve(r).URL
	l.background(r.Run)
	id := l.accept(url, "k", "flow", `{}`)
	if ended := l.until(events.Ended, id); ended.Status != events.OK {
		t.Fatalf("ended %+v", ended)
	}
	want := map[string]string{}
	for name := range strings.FieldsSeq(`shadow host-key proc data own-log other-job outside beside-out into-tmp
		write-input add-input cut-input drop-input move-input make-device mount kill-runner run-written`) {
		want[name] = "no"
	}
	for name := range strings.FieldsSeq(`read-input passwd write-out private devices`) {
		want[name] = "yes"
	}
	if cell.Landlock() < 6 {
		fmt.Fprintf(os.Stderr, "%s: NOT SHOWN on this kernel: its Landlock (version %d) does not keep signals in\n", t.Name(), cell.Landlock())
		delete(want, "kill-runner")
	}
	got := map[string]string{}
	for line := range strings.Lines(l.read("out/tried")) {
		f := strings.Fields(line)
		if _, asked := want[f[0]]; asked {
			got[f[0]] = f[1]
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if l.read("in/a.txt") != "as it was" {
		t.Error("the flow has changed its input")
	}
	if left, _ := os.ReadDir(outside); len(left) > 0 {
		t.Errorf("the flow has written %v", left)
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
	l := newLab(t, eventstest.Options{})
	if why := canFilter(); why != nil {
		fmt.Fprintf(os.Stderr, "%s: NOT SHOWN on this kernel: %v\n", t.Name(), why)
		return
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	l.build("flow", strings.Replace(socketFlow, "ADDRESS", ln.Addr().String(), 1))
	for _, sandbox := range []Sandbox{SandboxRequired, SandboxOff} {
		for _, offline := range []bool{false, true} {
			t.Run(fmt.Sprintf("sandbox %s, offline %v", sandbox, offline), func(t *testing.T) {
				if sandbox == SandboxRequired && !whole(t) {
					return
				}
				l.t = t
				r := l.runner(func(c *Config) { c.Sandbox, c.Offline = sandbox, offline })
				url := l.serve(r).URL
				stop := l.background(r.Run)
				defer stop()
				id := l.accept(url, t.Name(), "flow", `{"delete_out_dir":true}`)
				if ended := l.until(events.Ended, id); ended.Status != events.OK {
					t.Fatalf("ended %+v", ended)
				}
				var got map[string]string
				if err := json.Unmarshal([]byte(l.read("out/got")), &got); err != nil {
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
	l := newLab(t, eventstest.Options{})
	cfg := l.runner(nil).cfg
	cfg.Sandbox, cfg.ReadPaths = SandboxRequired, []string{"/no/such/folder"}
	if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), "runner-read: /no/such/folder") {
		t.Errorf("a folder that is not there: %v", err)
	}
	cfg.ReadPaths = nil
	_, err := New(cfg)
	if why := canSandbox(); (err == nil) != (why == nil) {
		t.Errorf("New: %v, and the kernel: %v", err, why)
	}
}
