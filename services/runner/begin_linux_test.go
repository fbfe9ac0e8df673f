package runner

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// soonAgain shortens the pauses between starts. Tests that use it run alone.
func soonAgain(t *testing.T, starts int) {
	waits, patience := startWaits, startPatience
	t.Cleanup(func() { startWaits, startPatience = waits, patience })
	startWaits, startPatience = nil, 500*time.Millisecond
	for range starts {
		startWaits = append(startWaits, 50*time.Millisecond)
	}
}

// busy keeps a flow open for writing, as who copies it does. It skips the test where
// the kernel starts it all the same.
func (h *harness) busy(name string) *os.File {
	h.t.Helper()
	f, err := os.OpenFile(h.host(name), os.O_WRONLY, 0)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { f.Close() })
	if err := exec.Command(h.host(name)).Run(); !errors.Is(err, syscall.ETXTBSY) {
		h.t.Skip("this kernel starts a program that is open for writing: ", err)
	}
	return f
}

// A program that somebody is writing is started when that is over. Such attempts use
// up no retry of the job.
func TestBusyProgramIsStartedLater(t *testing.T) {
	soonAgain(t, 1000)
	h := newHarness(t, eventstest.Options{})
	h.flow("flow", `echo x >> "$1/ran"`)
	h.keepJob(events.JobCreated, events.Enabled)
	f := h.busy("flow")
	r := h.runner(nil)
	h.background(r.Run)
	id := h.accept(h.serve(r).URL, "file:job-1:0", "flow", `{}`)
	h.eventually("several starts have failed", func() bool { n, _ := h.phase(events.Retrying, id); return n >= 2 })
	if _, ev := h.phase(events.Retrying, id); !ev.NotBegun() || !strings.Contains(ev.Message, "text file busy") {
		t.Errorf("waits with %q", ev.Message)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if ended := h.until(events.Ended, id); ended.Status != events.OK || failures(ended.Attempts) != 1 {
		t.Errorf("ended %+v", ended)
	}
	if ran := h.lines("in/ran"); len(ran) != 1 {
		t.Errorf("ran %v", ran)
	}
}

// One that stays busy is given up: the run ends, and a dead letter runs it again, as a
// run of its own.
func TestBusyProgramIsGivenUp(t *testing.T) {
	soonAgain(t, 2)
	h := newHarness(t, eventstest.Options{})
	h.flow("flow", `echo x >> "$1/ran"`)
	h.keepJob(events.JobCreated, events.Enabled)
	f := h.busy("flow")
	r := h.runner(nil)
	h.background(r.Run)
	url := h.serve(r).URL
	id := h.accept(url, "file:job-1:0", "flow", `{}`)
	ended := h.until(events.Ended, id)
	if ended.Status != events.ERROR || ended.Attempt != 3 || !ended.NotBegun() {
		t.Errorf("ended %+v", ended)
	}
	var dead []events.DeadLetter
	err := h.bus.DeadLetters("").Since(t.Context(), time.Time{}, func(m jet.Entry[events.DeadLetter]) bool {
		d, err := m.Value()
		if err != nil {
			t.Error(err)
		}
		dead = append(dead, d)
		return true
	})
	if err != nil || len(dead) != 1 || dead[0].Trigger.RerunOf != "file:job-1:0" || dead[0].Result.HTTP.Response != ended.Message {
		t.Fatalf("dead letters %+v, %v", dead, err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	again := h.accept(url, dead[0].Trigger.ID, "flow", `{}`)
	if ended := h.until(events.Ended, again); again == id || ended.Status != events.OK {
		t.Errorf("again %s: %+v", again, ended)
	}
}

// An interpreter that the kernel cannot load in time, as from a mount that hangs, holds
// a flow no longer than that, and is tried again. A lease that is not given up stands
// for the mount.
func TestHangingInterpreter(t *testing.T) {
	soonAgain(t, 1000)
	h := newHarness(t, eventstest.Options{})
	shell, err := os.ReadFile("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	h.write("interpreter", string(shell), 0o755)
	link := filepath.Join(t.TempDir(), "sh") // the path of the drive has a blank, which ends the name of an interpreter
	if err := os.Symlink(h.host("interpreter"), link); err != nil {
		t.Fatal(err)
	}
	h.write("flow", "#!"+link+"\necho x >> \"$1/ran\"\n", 0o755)
	h.keepJob(events.JobCreated, events.Enabled)
	f, err := os.OpenFile(h.host("interpreter"), os.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_WRLCK); err != nil {
		t.Skip("this file system gives no leases: ", err)
	}
	r := h.runner(nil)
	h.background(r.Run)
	id := h.accept(h.serve(r).URL, "file:job-1:0", "flow", `{}`)
	h.eventually("a start hangs", func() bool { n, _ := h.phase(events.Retrying, id); return n >= 1 })
	if _, ev := h.phase(events.Retrying, id); !strings.Contains(ev.Message, "was not loaded within") {
		t.Errorf("waits with %q", ev.Message)
	}
	if _, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_UNLCK); err != nil {
		t.Fatal(err)
	}
	if ended := h.until(events.Ended, id); ended.Status != events.OK {
		t.Errorf("ended %+v", ended)
	}
}
