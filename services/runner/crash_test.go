//go:build linux || darwin

package runner

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
	"spool.internal/services/runner/reaper"
)

// witness is a flow that notes in its input folder each of its processes, and
// first whether one of an earlier attempt still lives. With a file "release" it
// ends, else it goes on for ever.
const witness = `
for p in $(cat "$1/$SPOOL_RUN_ID.journal" 2>/dev/null); do
	case "$(ps -o stat= -p $p)" in ''|Z*) ;; *) echo "$p is alive" >> "$1/overlaps" ;; esac
done
sleep 600 &
echo $$ $! >> "$1/$SPOOL_RUN_ID.journal"
while [ ! -e "$1/release" ]; do sleep 0.01; done
echo done > done`

// killable starts a runner as a process of its own, over the relay.
func (h *harness) killable(url string) (kill func()) { return h.killableAs(url, nil, child{}) }

// killableAs does so as another user.
func (h *harness) killableAs(url string, as *syscall.Credential, c child) (kill func()) {
	h.t.Helper()
	c.URL, c.Drives, c.Data, c.Workers = url, h.base, h.data, 8
	self, err := os.Executable()
	if err != nil {
		h.t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childVariable+"="+string(events.Encode(c)))
	cmd.Stdout, cmd.Stderr = h.t.Output(), h.t.Output()
	if as != nil {
		text, err := os.ReadFile(self) // the other user may not reach where it lies
		if err != nil {
			h.t.Fatal(err)
		}
		cmd.Path = filepath.Join(h.base, "runner.test")
		if err := os.WriteFile(cmd.Path, text, 0o755); err != nil {
			h.t.Fatal(err)
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	}
	cmd.WaitDelay = time.Second // a flow that outlives the runner must not hold us
	if err := cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	dead := false
	kill = func() {
		if !dead {
			dead = true
			_ = cmd.Process.Kill()
			_ = cmd.Wait() // the kill is its error
		}
	}
	h.t.Cleanup(kill)
	return kill
}

// A runner is killed with -9 as soon as a run is seen to have come to a point;
// another one brings the run to its end.
func TestKillTheRunner(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		at      string
		reached func(h *harness, id string) bool
		most    int // attempts
	}{
		{"queued", func(*harness, string) bool { return true }, 2},
		{"started", func(h *harness, id string) bool { n, _ := h.phase(events.Started, id); return n > 0 }, 2},
		{"running", func(h *harness, id string) bool { return h.exists("in/" + id + ".journal") }, 2},
		{"ended", func(h *harness, id string) bool {
			h.write("in/release", "", 0o644)
			n, _ := h.phase(events.Ended, id)
			return n > 0
		}, 1},
	} {
		t.Run(c.at, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, eventstest.Options{})
			h.flow("flow", witness)
			relay := h.relay()
			kill := h.killable(relay.url)
			acceptor := h.runner(nil) // takes the call; it works on nothing yet
			id := h.accept(h.serve(acceptor).URL, "k", "flow", `{"output_has_run_id":true}`)
			h.eventually("the run is "+c.at, func() bool { return c.reached(h, id) })
			kill()
			_, before := h.phase(events.Started, id)
			h.write("in/release", "", 0o644)

			h.background(acceptor.Run)
			ended := h.until(events.Ended, id)
			h.drained()
			if n, _ := h.phase(events.Ended, id); n != 1 || ended.Status != events.OK || ended.Attempt > c.most {
				t.Errorf("%d ends, the last %+v", n, ended)
			}
			if c.at == "running" && ended.Attempt != 2 {
				t.Errorf("a run that was cut short ended as attempt %d", ended.Attempt)
			}
			if h.exists("in/overlaps") {
				t.Errorf("attempts overlap: %s", h.read("in/overlaps"))
			}
			if before.Process != nil {
				if members, err := reaper.Group(before.Process.PID); err != nil || reaper.CountAlive(members) > 0 {
					t.Errorf("of the killed runner's flow there are left %+v (%v)", members, err)
				}
			}
			if n, last := h.phase(events.Started, id); n != ended.Attempt || last.Attempt != n {
				t.Errorf("%d starts, the last is attempt %d, the run ended as attempt %d", n, last.Attempt, ended.Attempt)
			}
			if got := len(h.lines("in/" + id + ".journal")); got/2 > ended.Attempt || got == 0 {
				t.Errorf("%d processes of %d attempts", got, ended.Attempt)
			}
		})
	}
}

// A runner is killed with -9 at random moments while it works on many runs.
func TestKillTheRunnerAtRandom(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	h.flow("flow", strings.Replace(witness, `[ ! -e "$1/release" ]`, `! [ $((n=n+1)) -gt 5 ]`, 1))
	relay := h.relay()
	url := h.serve(h.runner(nil)).URL
	const runs = 60
	ids := map[string]bool{}
	for n := range runs {
		ids[h.accept(url, fmt.Sprint("key-", n), "flow", `{"output_has_run_id":true}`)] = true
	}
	endedRuns := func() int {
		n := 0
		for _, ev := range h.history("") {
			if ev.Phase == events.Ended {
				n++
			}
		}
		return n
	}
	for range 5 {
		kill := h.killable(relay.url)
		begun, some := endedRuns(), 1+rand.IntN(6)
		h.eventually("some runs have ended", func() bool { return endedRuns() >= min(begun+some, runs) })
		kill()
	}
	h.killable(relay.url)
	h.drained()
	ends, starts := map[string]int{}, map[string]int{}
	for _, ev := range h.history("") {
		switch {
		case ev.Phase == events.Started && ends[ev.FlowJobID] > 0:
			t.Errorf("run %s started after its end", ev.FlowJobID)
		case ev.Phase == events.Started:
			if starts[ev.FlowJobID]++; ev.Attempt != starts[ev.FlowJobID] {
				t.Errorf("run %s: start %d is attempt %d", ev.FlowJobID, starts[ev.FlowJobID], ev.Attempt)
			}
		case ev.Phase == events.Ended:
			ends[ev.FlowJobID]++
			if ev.Attempt == mostDeaths && strings.HasPrefix(ev.Message, "poison: ") {
				break // it was there at three of the kills
			}
			if ev.Status != events.OK || ev.Attempt != starts[ev.FlowJobID] || !h.exists(strings.TrimPrefix(ev.OutputFolder, theDrive)+"/done") {
				t.Errorf("ended %+v", ev)
			}
		}
	}
	again := 0
	for id := range ids {
		if ends[id] != 1 {
			t.Errorf("run %s has %d ends", id, ends[id])
		}
		again += starts[id] - 1
	}
	if len(ends) != runs || h.exists("in/overlaps") {
		t.Errorf("%d runs ended; overlaps: %s", len(ends), h.read("in/overlaps"))
	}
	t.Logf("%d runs, 5 kills, %d attempts beyond the first", runs, again)
}

// Two runners on one host, and one of them loses its connection for so long
// that the run is given to the other: that one speaks for the run from then on.
func TestARivalTakesTheRun(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	h.flow("flow", witness)
	relay := h.relay()
	bus, _ := h.connect(relay)
	first := h.runner(func(c *Config) { c.Bus = bus })
	second := h.runner(nil)
	id := h.accept(h.serve(second).URL, "k", "flow", `{}`)
	h.background(first.Run)
	h.eventually("the flow runs", func() bool { return h.exists("in/" + id + ".journal") })
	relay.cut(true)
	h.background(second.Run)
	h.eventually("the flow runs again", func() bool { return len(h.lines("in/"+id+".journal")) == 4 })
	relay.cut(false)
	h.eventually("the first is back", func() bool { return first.Check() == nil })
	h.eventually("the first gives up", func() bool {
		first.mu.Lock()
		defer first.mu.Unlock()
		return len(first.active) == 0
	})
	if n, _ := h.phase(events.Ended, id); n != 0 {
		t.Error("the first runner ended the run that the second works on")
	}
	h.write("in/release", "", 0o644)
	if ended := h.until(events.Ended, id); ended.Attempt != 2 || ended.Status != events.OK {
		t.Errorf("ended %+v", ended)
	}
	h.drained()
	if n, _ := h.phase(events.Ended, id); n != 1 || h.exists("in/overlaps") {
		t.Errorf("%d ends; overlaps: %s", n, h.read("in/overlaps"))
	}
}

// What this process has in hand and is delivered again joins what it has.
func TestDeliveredAgainWhileInHand(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	h.flow("flow", witness)
	relay := h.relay()
	bus, _ := h.connect(relay)
	r := h.runner(func(c *Config) { c.Bus = bus })
	id := h.accept(h.serve(r).URL, "k", "flow", `{}`)
	h.background(r.Run)
	h.eventually("the flow runs", func() bool { return h.exists("in/" + id + ".journal") })
	relay.cut(true)
	again := make(chan *jet.Delivery, 1)
	stop := h.background(func(ctx context.Context) error { // stands for what the server would send when the connection is back
		queue := h.bus.RunQueue("default").Queue("runner-default", maxQueued)
		return h.bus.Pull(ctx, queue, 4, func(d *jet.Delivery) { again <- d })
	})
	var runs sync.WaitGroup
	r.take(t.Context(), <-again, &runs)
	relay.cut(false)
	h.write("in/release", "", 0o644)
	if ended := h.until(events.Ended, id); ended.Attempt != 1 {
		t.Errorf("ended %+v", ended)
	}
	h.drained()
	runs.Wait()
	stop()
	if got := h.lines("in/" + id + ".journal"); len(got) != 2 {
		t.Errorf("processes %v: the flow ran more than once", got)
	}
}

// Of two runners who start the same attempt one may let its process begin, and neither
// once the run has ended.
func TestClaim(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	r := h.runner(nil)
	run := events.Run{FlowJobID: "f", JobID: "j"}
	start := func(attempt, pid int) events.RunEvent {
		ev := event(events.Started, run, time.Now())
		ev.Attempt, ev.Process = attempt, &events.Process{PID: pid}
		return ev
	}
	for attempt := 1; attempt <= 2; attempt++ {
		_, seq, err := r.standing(t.Context(), run)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.claim(t.Context(), start(attempt, 1), seq); err != nil {
			t.Fatal(err)
		}
		if _, err := r.claim(t.Context(), start(attempt, 2), seq); !errors.Is(err, errRival) {
			t.Errorf("the second claim of attempt %d: %v", attempt, err)
		}
		if last, _, err := r.standing(t.Context(), run); err != nil || last.Attempt != attempt || last.Process.PID != 1 {
			t.Errorf("the last start is %+v, %v", last, err)
		}
	}
	_, seq, err := r.standing(t.Context(), run)
	if err != nil {
		t.Fatal(err)
	}
	ended := event(events.Ended, run, time.Now())
	ended.Attempt, ended.StartedAt = 2, time.Now()
	for range 2 { // the second time as after an answer that was lost
		if err := r.end(t.Context(), ended, seq, r.log); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.claim(t.Context(), start(3, 3), seq); !errors.Is(err, errOver) {
		t.Errorf("a claim after the end: %v", err)
	}
	if n, _ := h.phase(events.Ended, "f"); n != 1 {
		t.Errorf("%d ends", n)
	}
}

func TestBury(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	r := h.runner(nil)
	const id = "the-run"
	// sleeper starts a process group: a shell, marked as of the run, and a child.
	sleeper := func(t *testing.T, script, mark string) (*exec.Cmd, events.Process) {
		t.Helper()
		cmd := exec.Command("/bin/sh", "-c", script)
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), mark}
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		ready, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = reaper.SignalGroup(cmd.Process.Pid, syscall.SIGKILL)
			_ = cmd.Wait()
		})
		if _, err := ready.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		p, found, err := reaper.Lookup(cmd.Process.Pid)
		if err != nil || !found {
			t.Fatalf("%+v, %v", p, err)
		}
		return cmd, events.Process{Host: r.reaper.Host, Boot: r.reaper.Boot, PID: p.PID, StartTime: p.Start}
	}
	const (
		lasts  = `sleep 600 & echo; wait`
		leaves = `sleep 600 & echo`
		ours   = "SPOOL_RUN_ID=" + id
	)
	alive := func(pgid int) bool {
		members, err := reaper.Group(pgid)
		if err != nil {
			t.Fatal(err)
		}
		return reaper.CountAlive(members) > 0
	}
	for name, c := range map[string]struct {
		script, mark string
		reaped       bool // the leader has exited and its entry is gone
		change       func(*events.Process)
		proven, dies bool
	}{
		"a living group":                 {lasts, "", false, nil, true, true},
		"the number was given anew":      {lasts, "", false, func(p *events.Process) { p.StartTime += "0" }, true, false},
		"the machine was started anew":   {lasts, ours, false, func(p *events.Process) { p.Boot = "before" }, true, false},
		"another host":                   {lasts, ours, false, func(p *events.Process) { p.Host = "elsewhere" }, false, false},
		"only children, marked":          {leaves, ours, true, nil, true, true},
		"only children, of another":      {leaves, ours + "2", true, nil, false, false},
		"the number names nobody at all": {lasts, "", false, func(p *events.Process) { p.PID = 1 << 30 }, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			cmd, p := sleeper(t, c.script, c.mark)
			if c.reaped {
				_ = cmd.Wait()
			}
			pid := p.PID
			if c.change != nil {
				c.change(&p)
			}
			if err := r.reaper.Reap(t.Context(), p, []string{ours}); (err == nil) != c.proven {
				t.Errorf("proven dead: %v", err)
			}
			if alive(pid) == c.dies {
				t.Errorf("group %d is alive: %v", pid, alive(pid))
			}
		})
	}
}
