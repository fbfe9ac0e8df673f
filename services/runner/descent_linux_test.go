package runner

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

// escapes starts processes that do all they can to outlive the flow, and waits until
// they have.
func (h *harness) escapes() string {
	return `
escape() { env -i PATH="$PATH" setsid sh -c '(setsid sh -c "echo > \"\$0/$1\"; exec ` + h.lasts() + `" "$0" &) &' "$2" $1 </dev/null >/dev/null 2>&1 & }
escape one "$2"; escape two "$2"
while [ ! -e "$2/one" ] || [ ! -e "$2/two" ]; do sleep 0.01; done
`
}

// Nothing that descends from a flow survives its run, however that ends.
func TestARunEndsByDescent(t *testing.T) {
	t.Parallel()
	inShapes(t, func(t *testing.T, h *harness, _ string, change func(*Config)) {
		h.flow("exits", h.escapes()+"exit 0")
		h.flow("is killed", h.escapes()+"kill -9 $$")
		h.flow("hangs", h.escapes()+h.lasts())
		r := h.runner(change)
		url := h.serve(r).URL
		h.background(r.Run)
		for flow, settings := range map[string]string{"exits": "", "is killed": "", "hangs": `,"step_timeout":2`} {
			ended := h.until(events.Ended, h.accept(url, flow, flow, `{"output_dir":"`+logical("o/"+flow)+`"`+settings+`}`))
			if left := h.left(); len(left) > 0 {
				t.Errorf("%s: the processes %v are left (%+v)", flow, left, ended)
			}
			if !h.exists("o/" + flow + "/two") {
				t.Errorf("%s: nothing has escaped: %+v", flow, ended)
			}
		}
	})
}

// The death of the runner, which no handler sees, is that of its flows.
func TestTheRunnerDies(t *testing.T) {
	t.Parallel()
	for shape := range shapes {
		t.Run(shape, func(t *testing.T) {
			h := newHarness(t, eventstest.Options{})
			h.flow("flow", h.escapes()+h.lasts())
			kill := h.killableAs(h.relay().url, nil, child{Shape: shape})
			id := h.accept(h.serve(h.runner(nil)).URL, "k", "flow", `{}`)
			h.until(events.Started, id)
			h.eventually("something has escaped", func() bool { return h.exists("out/one") && h.exists("out/two") })
			if len(h.left()) < 3 {
				t.Errorf("only %v run", h.left())
			}
			kill()
			h.eventually("nothing of the flow is left", func() bool { return len(h.left()) == 0 })
		})
	}
}

// Another runner asks the guard of the first to end its flow, escaped processes too.
func TestARivalEndsByDescent(t *testing.T) {
	t.Parallel()
	inShapes(t, func(t *testing.T, h *harness, _ string, change func(*Config)) {
		h.flow("flow", `[ ! -e "$2/one" ] || exit 0`+h.escapes()+h.lasts())
		relay := h.relay()
		bus, _ := h.connect(relay)
		first := h.runner(func(c *Config) { change(c); c.Bus = bus })
		id := h.accept(h.serve(first).URL, "k", "flow", `{}`)
		stop := h.background(first.Run)
		h.eventually("something has escaped", func() bool { return h.exists("out/one") && h.exists("out/two") })
		relay.cut(true)
		_, started := h.phase(events.Started, id)
		if err := h.runner(nil).reaper.Reap(t.Context(), *started.Process, []string{"NO_SUCH=MARK"}); err != nil {
			t.Fatal(err)
		}
		if left := h.left(); len(left) > 0 {
			t.Errorf("the processes %v are left", left)
		}
		relay.cut(false)
		stop()
	})
}

// A guard that somebody kills takes its flow with it where it has a pid namespace.
func TestTheGuardIsKilled(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	h.flow("flow", h.escapes()+h.lasts())
	r := h.shut(nil)
	if !r.room.Form.Spaces {
		t.Skip("this machine grants no namespaces")
	}
	id := h.accept(h.serve(r).URL, "k", "flow", `{}`)
	h.background(r.Run)
	pid := h.until(events.Started, id).Process.PID
	h.eventually("something has escaped", func() bool { return h.exists("out/one") && h.exists("out/two") })
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if ended := h.until(events.Ended, id); ended.Status != events.ERROR || !strings.Contains(ended.Message, "signal: killed") {
		t.Errorf("ended %+v", ended)
	}
	if left := h.left(); len(left) > 0 {
		t.Errorf("the processes %v are left", left)
	}
}

const nosyFlow = `package main

import ("fmt"; "os"; "syscall"; "unsafe")

func main() {
	out, _ := os.Create(os.Args[2] + "/found")
	for fd := 3; fd < 4096; fd++ {
		if fd == int(out.Fd()) { continue }
		if _, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFD, 0); errno == 0 {
			var s syscall.Stat_t
			if syscall.Fstat(fd, &s) == nil && s.Mode&syscall.S_IFMT != 0 { fmt.Fprintln(out, "descriptor", fd, s.Mode, s.Ino) }
		}
	}
	none := [2]uint64{}
	for _, pid := range []int{os.Getppid(), RUNNER} {
		if _, _, errno := syscall.RawSyscall6(302, uintptr(pid), 7, uintptr(unsafe.Pointer(&none)), 0, 0, 0); errno == 0 {
			fmt.Fprintln(out, "prlimit", pid)
		}
		if syscall.PtraceAttach(pid) == nil { fmt.Fprintln(out, "ptrace", pid) }
		if syscall.Kill(pid, 0) == nil { fmt.Fprintln(out, "kill", pid) }
		for _, name := range []string{"environ", "maps", "root/etc/shadow", "cwd/x"} {
			if _, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name)); err == nil { fmt.Fprintln(out, "reads", pid, name) }
		}
	}
	fmt.Fprintln(out, "end")
}`

// A flow has no descriptor but three, and does nothing to its guard or the runner;
// memory is taken from it first.
func TestAFlowAndItsParents(t *testing.T) {
	t.Parallel()
	for shape, change := range shapes {
		if shape == "off" {
			continue // then a flow may do what its user may
		}
		t.Run(shape, func(t *testing.T) {
			h := newHarness(t, eventstest.Options{})
			// What somebody has given this process stays open at exec, and must not pass on.
			given, err := unix.Dup(1)
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(given)
			h.build("flow", strings.ReplaceAll(nosyFlow, "RUNNER", strconv.Itoa(os.Getpid())))
			h.flow("waits", `echo > here; `+h.lasts())
			r := h.runner(change)
			url := h.serve(r).URL
			h.background(r.Run)
			if ended := h.until(events.Ended, h.accept(url, "k", "flow", `{}`)); ended.Status != events.OK {
				t.Errorf("ended %+v", ended)
			}
			if found := h.read("out/found"); found != "end\n" {
				t.Errorf("the flow has found\n%s", found)
			}
			id := h.accept(url, "waits", "waits", `{}`)
			h.eventually("it waits", func() bool { return h.exists("out/here") })
			guard := strconv.Itoa(h.until(events.Started, id).Process.PID)
			adjustment := func(pid string) string {
				text, _ := os.ReadFile(filepath.Join("/proc", pid, "oom_score_adj"))
				return strings.TrimSpace(string(text))
			}
			if own := adjustment("self"); adjustment(guard) != own {
				t.Errorf("the guard's oom_score_adj is %s, and ours %s", adjustment(guard), own)
			}
			for _, pid := range h.left() {
				if a := adjustment(strconv.Itoa(pid)); a != "1000" {
					t.Errorf("the oom_score_adj of a process of the flow is %s", a)
				}
			}
			h.cancel(url, id, nil)
			h.until(events.Ended, id)
		})
	}
}
