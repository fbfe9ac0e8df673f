package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"spool.internal/events/eventstest"
)

// terminal is a program that runs at a terminal, and what is on its screen.
type terminal struct {
	t      *testing.T
	cmd    *exec.Cmd
	keys   *os.File
	screen *lockedBuffer
	closed chan struct{} // when nobody writes to it any more
}

// atTerminal starts a program at a terminal of 120 columns.
func atTerminal(t *testing.T, dir string, env []string, name string, args ...string) *terminal {
	t.Helper()
	keys, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(keys.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(keys.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	if err := unix.IoctlSetWinsize(int(tty.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: 120}); err != nil {
		t.Fatal(err)
	}
	x := &terminal{t: t, cmd: exec.Command(name, args...), keys: keys, screen: &lockedBuffer{}, closed: make(chan struct{})}
	x.cmd.Dir, x.cmd.Env = dir, append(os.Environ(), env...)
	x.cmd.Stdin, x.cmd.Stdout, x.cmd.Stderr = tty, tty, tty
	x.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := x.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(x.closed)
		buffer := make([]byte, 4096)
		for {
			n, err := keys.Read(buffer)
			_, _ = x.screen.Write(buffer[:n])
			if err != nil { // nobody has the terminal any more
				return
			}
		}
	}()
	t.Cleanup(func() {
		_ = x.cmd.Process.Kill()
		_ = x.cmd.Wait()
		_ = keys.Close()
		<-x.closed
	})
	return x
}

// shows waits until the screen has something, from a place on.
func (x *terminal) shows(pattern string, from int) {
	x.t.Helper()
	p := regexp.MustCompile(pattern)
	eventstest.Eventually(x.t, pattern+" on the screen", func() bool { return p.MatchString(x.screen.String()[from:]) })
}

// types presses keys, and gives where the screen was.
func (x *terminal) types(keys string) int {
	x.t.Helper()
	at := len(x.screen.String())
	if _, err := x.keys.WriteString(keys); err != nil {
		x.t.Fatal(err)
	}
	return at
}

// ends waits for the program, and gives its exit status.
func (x *terminal) ends() int {
	x.t.Helper()
	_ = x.cmd.Wait() // the status says it
	<-x.closed
	return x.cmd.ProcessState.ExitCode()
}

// person is somebody at the command line of a server, with some jobs.
type person struct {
	*harness
	env []string
	dir string
}

func newPerson(t *testing.T, jobs ...string) person {
	t.Helper()
	p := newHarness(t)
	p.serve()
	for _, name := range jobs {
		p.short(object{"name": name, "schedule": "@yearly", "run": object{"command": "true"}})
	}
	home := t.TempDir()
	return person{p, []string{
		"HOME=" + home, "XDG_CONFIG_HOME=" + home, "TERM=xterm", "TZ=UTC", "SPOOL_DATA=" + p.data, "PATH=" + filepath.Dir(binary) + ":" + os.Getenv("PATH"),
	}, home}
}

func (p person) spool(t *testing.T, args ...string) *terminal {
	return atTerminal(t, p.dir, p.env, binary, args...)
}

// What a person sees: columns under each other in colours, and nothing that others wrote
// moves the cursor.
func TestTerminal(t *testing.T) {
	t.Parallel()
	p := newPerson(t, "backup", "evil\x1b[2J\u202e")
	x := p.spool(t, "jobs", "list", "--columns", "name,status,id")
	if code := x.ends(); code != 0 {
		t.Fatalf("status %d: %s", code, x.screen)
	}
	x.shows(`\x1b\[1mNAME\x1b\[0m +\x1b\[1mSTATUS`, 0)
	x.shows(`backup +\x1b\[32menabled\x1b\[0m +[0-9a-f-]{36}`, 0)
	x.shows(`evil\\u001b\[2J\\u202e +`, 0)
	if strings.Contains(x.screen.String(), "\t") {
		t.Errorf("there is a tab on the screen: %q", x.screen)
	}
	plain := atTerminal(t, p.dir, append(p.env, "NO_COLOR=1"), binary, "jobs", "get", "backup")
	if code := plain.ends(); code != 0 || strings.Contains(plain.screen.String(), "\x1b") {
		t.Errorf("NO_COLOR: status %d, %q", code, plain.screen)
	}
	for args, want := range map[string]string{"jobs get evil\x1b[2J": `no job named "evil\\x1b\[2J"`, "jobs list --columns \x1b[2J": `there is no column "\\x1b`, "nonsense\x1b[2J": `\\`} {
		x := p.spool(t, strings.Split(args, " ")...)
		if code := x.ends(); code == 0 || strings.Contains(x.screen.String(), "\x1b[2J") {
			t.Errorf("%q: status %d, %q", args, code, x.screen)
		}
		x.shows(want, 0)
	}
}

// Before something is taken away a person is asked; who says no, or nothing, keeps it.
func TestConsent(t *testing.T) {
	t.Parallel()
	p := newPerson(t, "backup", "other")
	for _, c := range []struct {
		keys string
		code int
		says string
	}{{"n\n", 1, "nothing was done"}, {"\n", 1, "nothing was done"}, {"\x04", 1, "nothing was done"}, {"yes\n", 0, "job backup is deleted"}} {
		x := p.spool(t, "jobs", "delete", "backup")
		x.shows(`Delete 1 job:\r\n  backup \([0-9a-f-]+\)\r\nDelete 1 job\? \[y/N\]`, 0)
		x.types(c.keys)
		if code := x.ends(); code != c.code || !strings.Contains(x.screen.String(), c.says) {
			t.Errorf("%q: status %d, %q", c.keys, code, x.screen)
		}
	}
	out, said, code := spoolOut(t, p.env, "jobs", "delete", "other")
	if code != 2 || out != "" || !strings.Contains(said, "there is no terminal to ask at: give --yes") {
		t.Errorf("without a terminal: status %d, %q, %q", code, out, said)
	}
	if out, said, code := spoolOut(t, p.env, "jobs", "delete", "other", "--yes"); code != 0 || out != "job other is deleted\n" {
		t.Errorf("--yes: status %d, %q, %q", code, out, said)
	}
}

// --watch draws in place on a terminal, prints a line for each change when piped, and ends
// well by Ctrl-C.
func TestWatch(t *testing.T) {
	t.Parallel()
	p := newPerson(t, "backup")
	x := p.spool(t, "jobs", "list", "--columns", "name,status", "--watch")
	x.shows(`\x1b\[H\x1b\[2J.*\r\n.*NAME`, 0)
	pipe := exec.Command(binary, "jobs", "get", "backup", "--watch")
	pipe.Env = append(os.Environ(), p.env...)
	lines := &lockedBuffer{}
	pipe.Stdout = lines
	if err := pipe.Start(); err != nil {
		t.Fatal(err)
	}
	p.eventually("the first line", func() bool { return strings.Count(lines.String(), "\n") == 1 })
	if out, said, code := spoolOut(t, p.env, "jobs", "disable", "backup", "--reason", "a holiday"); code != 0 {
		t.Fatal(out, said)
	}
	x.shows(`\x1b\[H\x1b\[2J.*\r\n.*NAME(.|\n|\r)*disabled`, 0)
	p.eventually("a second line", func() bool { return strings.Count(lines.String(), "\n") == 2 })
	if !strings.HasPrefix(lines.String(), `{"job_id":`) || !strings.Contains(lines.String(), `"reason":"a holiday"`) {
		t.Errorf("printed %s", lines)
	}
	x.types("\x03")
	if code := x.ends(); code != 0 {
		t.Errorf("Ctrl-C ends it with status %d: %q", code, x.screen)
	}
	if err := pipe.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := pipe.Wait(); err != nil {
		t.Errorf("SIGINT: %v", err)
	}
}

// Tab completes commands, flags, values and the names of jobs, in shells as people have
// them. A name is never run, whatever is in it.
func TestCompletion(t *testing.T) {
	t.Parallel()
	p := newPerson(t, "backup", "demo: every file", "demo: every minute", "$(touch pwned)a", "$(touch pwned)b", "`touch pwned`", "it's; touch pwned", "quote\"d")
	for _, shell := range []struct{ name, start, path string }{
		{"bash", "PS1='ready> '; bind 'set enable-bracketed-paste off'; bind 'set bell-style none'; source <(spool completion bash)\n", "bash --norc --noprofile -i"},
		{"zsh", "PS1='ready> '; unsetopt beep prompt_sp; autoload -U compinit && compinit -u -D; source <(spool completion zsh)\n", "zsh -f -i"},
	} {
		t.Run(shell.name, func(t *testing.T) {
			t.Parallel()
			words := strings.Fields(shell.path)
			if _, err := exec.LookPath(words[0]); err != nil {
				t.Skipf("this machine has no %s: .ci/run installs it where it can", shell.name)
			}
			dir := t.TempDir()
			x := atTerminal(t, dir, append(p.env, "SHELL=/bin/"+shell.name), words[0], words[1:]...)
			x.types(shell.start + "echo started\n")
			const ready = `ready> (\x1b\[[?0-9;]*[A-Za-z])*$`
			x.shows(`\nstarted\r\n(.|\n|\r)*`+ready, 0)
			for _, c := range []struct{ keys, shows string }{
				{"spool jobs get bac\t\n", `(?m)^name: +backup\r$`},
				{"spool jobs get demo\tf\t\n", `(?m)^name: +demo: every file\r$`},
				{"spool jo\tge\tdemo\tm\t-o nam\t\n", `(?m)^demo: every minute\r$`},
				{"spool jobs list --mod\taut\t--no-h\t\n", `--mode.*automatic.*--no-header`},
				{"spool context us\t\n", `requires NAME`},
				{"spool jobs get it\t\n", `(?m)^name: +it's; touch pwned\r$`},
				{"spool jobs get quo\t\n", `(?m)^name: +quote"d\r$`},
			} {
				at := x.types(c.keys)
				x.shows(c.shows, at)
				x.shows(ready, at)
			}
			for _, keys := range []string{`spool jobs get \$` + "\t\t\t", "spool jobs get \\`\t\t", "spool jobs get \t\t"} {
				at := x.types(keys)
				x.shows(`touch`, at)
				at = x.types("\x15echo and on\n")
				x.shows(`(\n|\x1b\[J)and on\r\n`, at)
			}
			if _, err := os.Stat(filepath.Join(dir, "pwned")); err == nil {
				t.Errorf("the name of a job was run:\n%s", x.screen)
			}
		})
	}
}

// Ctrl-C ends the waiting, not the run, and says so.
func TestWaitInterrupted(t *testing.T) {
	t.Parallel()
	p := newPerson(t)
	p.short(object{"name": "slow", "schedule": "@yearly", "run": object{"command": "echo begun; sleep 600"}})
	x := p.spool(t, "run", "slow", "--wait", "--logs")
	x.shows(`begun`, 0)
	x.types("\x03")
	if code := x.ends(); code != 1 {
		t.Errorf("status %d: %q", code, x.screen)
	}
	x.shows(`you have stopped waiting; the run of slow goes on: spool runs logs -f manual:\S+ follows it`, 0)
	out, said, code := spoolOut(t, p.env, "runs", "list", "slow", "--outcome", "running", "-o", "name")
	if code != 0 || strings.Count(out, "\n") != 1 {
		t.Fatalf("it does not go on: status %d, %q %q", code, out, said)
	}
	if out, said, code := spoolOut(t, p.env, "runs", "cancel", strings.TrimSpace(out)); code != 0 {
		t.Errorf("it cannot be cancelled: status %d, %q %q", code, out, said)
	}
}
