package seccomp

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// enterVariable makes the test binary a process that takes a filter and becomes
// the program of its arguments.
const enterVariable = "SECCOMP_TEST_ENTER"

func TestMain(m *testing.M) {
	if granted := os.Getenv(enterVariable); granted != "" {
		fmt.Fprintln(os.Stderr, enter(granted))
		os.Exit(125)
	}
	os.Exit(m.Run())
}

func enter(granted string) error {
	runtime.LockOSThread()
	path, err := exec.LookPath(os.Args[1])
	if err != nil {
		return err
	}
	filter, err := Flow(runtime.GOARCH, Grants{Names: true, Watch: true, Unix: strings.Contains(granted, "unix"), OwnPIDs: strings.Contains(granted, "pids")})
	if err != nil {
		return err
	}
	bytes := Bytes(filter)
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: (*unix.SockFilter)(unsafe.Pointer(&bytes[0]))}
	err = errors.Join(
		unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
		unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0),
	)
	if err != nil {
		return err
	}
	return syscall.Exec(path, os.Args[1:], append(os.Environ(), enterVariable+"="))
}

// programs are what people write flows in, each with what it does at its start
// and what its library does behind its back.
var programs = map[string][]string{
	"sh": {"sh", "-c", `set -e; cd "$DIR"; echo a b | tr a-z A-Z | (read x; echo "$x") >f; cp -p f g; chmod 755 g; mkdir -p d/e; mv g d; touch f; ln -s f l; tar cf - d | tar xf - -C d/e; nice -n 5 sort f; ulimit -n 99; rm -r d; date; mkfifo p; (timeout 5 cat p >/dev/null) & echo >p; wait`},
	"python3": {"python3", "-c", `
import asyncio, multiprocessing, os, resource, shutil, socket, ssl, subprocess, sqlite3, tempfile, threading, concurrent.futures
d = os.environ["DIR"]
with tempfile.TemporaryDirectory(dir=d) as t:
    open(t+"/a", "w").write("x"); shutil.copy2(t+"/a", t+"/b"); shutil.copytree(t, t+"2"); os.utime(t+"/a")
    sqlite3.connect(t+"/db").execute("create table t(a)")
subprocess.run(["true"], check=True); subprocess.run("exit 0", shell=True, check=True)
if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(2) as p: assert p.map(abs, [-1]) == [1]
    with concurrent.futures.ThreadPoolExecutor(4) as p: list(p.map(str, range(9)))
async def main(): assert await (await asyncio.create_subprocess_exec("true")).wait() == 0
asyncio.run(main())
resource.getrlimit(resource.RLIMIT_NOFILE); resource.setrlimit(resource.RLIMIT_CORE, (0, 0)); os.nice(1)
socket.getaddrinfo("localhost", 80); socket.socketpair()
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("127.0.0.1", 0))
ssl.create_default_context()
`},
	"perl": {"perl", "-MSocket", "-MFile::Temp", "-e", `my $d = File::Temp->newdir(DIR => $ENV{DIR}); open(my $f, ">", "$d/a") or die; print $f "x"; close $f; chmod 0640, "$d/a" or die; utime(1, 1, "$d/a") or die; socket(my $s, PF_INET, SOCK_STREAM, 0) or die; socketpair(my $x, my $y, AF_UNIX, SOCK_STREAM, 0) or die; system("true") == 0 or die; my $p = fork; exit 0 unless $p; waitpid $p, 0; getpwuid($<) or die`},
	"node": {"node", "-e", `
const fs = require("fs"), cp = require("child_process"), {Worker} = require("worker_threads"), d = process.env.DIR
fs.writeFileSync(d+"/n", "x"); fs.copyFileSync(d+"/n", d+"/m"); fs.chmodSync(d+"/m", 0o640); fs.mkdirSync(d+"/o", {recursive: true})
cp.execSync("true"); require("dns").lookup("localhost", () => {}); new Worker("1", {eval: true}); fs.promises.readFile(d+"/n")
cp.fork("-e", ["1"], {execArgv: [], stdio: "ignore"}).kill()
require("crypto").randomBytes(9); require("zlib").gzip("x", () => {}); new (require("dgram").createSocket)("udp4").bind(0, "127.0.0.1", function () { this.close() })`},
	"java": {"java", "-Xshare:auto", "SOURCE.java"},
	"go":   {"go", "vet", "errors"},
	"gcc":  {"gcc", "-x", "c", "-o", "DIR/compiled", "SOURCE.c"},
}

var sources = map[string]string{
	"SOURCE.java": `
import java.nio.file.*; import java.util.concurrent.*;
class Main { public static void main(String[] a) throws Exception {
  Path p = Files.createTempFile(Path.of(System.getenv("DIR")), "a", "b"); Files.writeString(p, "x"); Files.copy(p, p.resolveSibling("java"), StandardCopyOption.COPY_ATTRIBUTES);
  Files.setPosixFilePermissions(p, java.nio.file.attribute.PosixFilePermissions.fromString("rw-r-----"));
  var e = Executors.newFixedThreadPool(4); e.submit(() -> Thread.currentThread().setPriority(1)).get(); e.shutdown();
  if (new ProcessBuilder("true").start().waitFor() != 0) System.exit(9);
  java.net.InetAddress.getByName("localhost"); new java.net.DatagramSocket(0).close(); java.nio.channels.Selector.open().close(); java.net.http.HttpClient.newHttpClient();
} }`,
	"SOURCE.c": `int main(void) { return 0; }`,
}

// What flows are written in works under the filter, without any grant but to name files.
func TestProgramsWork(t *testing.T) {
	if !Known(runtime.GOARCH) {
		t.Skipf("the system calls of %s are not known", runtime.GOARCH)
	}
	for name, args := range programs {
		t.Run(name, func(t *testing.T) {
			if _, err := exec.LookPath(name); err != nil {
				t.Skipf("this machine has no %s", name)
			}
			run(t, args, "none")
		})
	}
}

// A program of another architecture ends at its first call, one that is denied goes on.
func TestProgramsAreHeld(t *testing.T) {
	if !Known(runtime.GOARCH) {
		t.Skipf("the system calls of %s are not known", runtime.GOARCH)
	}
	run(t, []string{"sh", "-c", `cd "$DIR"; touch f; chmod 644 f; for m in u+s g+s 4755 2755; do chmod $m f 2>/dev/null && exit 1; done; mkdir -m 2755 s 2>/dev/null && exit 1; test ! -u f -a ! -g f -a ! -g s`}, "none")
	for _, try := range [][]string{{"unshare", "-U", "true"}, {"unshare", "-n", "true"}, {"nsenter", "-t", "1", "-m", "true"}, {"mknod", "DIR/x", "b", "254", "0"}, {"mount", "-t", "tmpfs", "none", "DIR"}} {
		if _, err := exec.LookPath(try[0]); err != nil {
			t.Logf("this machine has no %s", try[0])
			continue
		}
		if out, err := start(t, try, "none").CombinedOutput(); err == nil || strings.Contains(string(out), enterVariable) {
			t.Errorf("%s: %v, %s", try, err, out)
		}
	}
}

func start(t *testing.T, args []string, granted string) *exec.Cmd {
	t.Helper()
	dir := t.TempDir()
	mine := []string{}
	for _, arg := range args {
		if text, is := sources[arg]; is {
			arg = filepath.Join(dir, arg)
			if err := os.WriteFile(arg, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if strings.HasPrefix(arg, "DIR/") || arg == "DIR" {
			arg = dir + strings.TrimPrefix(arg, "DIR")
		}
		mine = append(mine, arg)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, mine...)
	cmd.Env = append(os.Environ(), enterVariable+"="+granted, "DIR="+dir)
	return cmd
}

func run(t *testing.T, args []string, granted string) {
	t.Helper()
	if _, err := exec.LookPath(args[0]); err != nil {
		t.Skipf("this machine has no %s", args[0])
	}
	if out, err := start(t, args, granted).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	} else if len(out) > 0 && testing.Verbose() {
		t.Logf("%s", out)
	}
}
