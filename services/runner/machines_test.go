//go:build linux || darwin

package runner

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/events/eventstest"
)

// machine is a runner with a place, drives and a data folder of its own.
type machine struct {
	*harness
	place string
	*Runner
	url string
}

// times in which nothing is away by chance, however busy this computer is.
var calmly = leaseTimes{every: 200 * time.Millisecond, fence: 20 * time.Second, away: 40 * time.Second}

// machine makes one; nothing of it runs yet.
func (h *harness) machine(place string, change func(*Config)) *machine {
	h.t.Helper()
	own := *h
	own.base, own.data = filepath.Join(h.t.TempDir(), "drives"), h.t.TempDir()
	var err error
	if own.drives, err = drive.New(own.base, nil); err != nil {
		h.t.Fatal(err)
	}
	if err := os.MkdirAll(own.host("in"), 0o755); err != nil {
		h.t.Fatal(err)
	}
	m := &machine{harness: &own, place: place}
	m.Runner = own.runner(func(c *Config) {
		c.Place, c.times = place, calmly
		c.serves = func(events.Path) (here, shared bool) { return true, false }
		if change != nil {
			change(c)
		}
	})
	m.url = own.serve(m.Runner).URL
	return m
}

// acceptAt queues a run for a place.
func (m *machine) acceptAt(place, key, flow, settings string) string {
	m.t.Helper()
	a := m.ask(m.url, key, body(flow, settings), map[string]string{events.HeaderPlace: place})
	if a.Status != events.OK {
		m.t.Fatalf("not accepted: %+v", a)
	}
	return a.Data.JobID
}

func (m *machine) ready() {
	m.t.Helper()
	m.eventually("machine "+m.place+" is ready", func() bool { return m.Check() == nil })
}

// Any runner accepts a run for any place without a look at its files; the runner of that place
// performs it, and says there what is wrong.
func TestRunsGoToTheirPlace(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	odd := "käse.1 *>"
	m1, m2 := h.machine("m1", nil), h.machine(odd, nil)
	m2.flow("flow", `echo "at $SPOOL_RUN_ID"; echo done > done`)
	m1.flow("common", "true")
	m2.flow("common", "true")
	header := strings.ReplaceAll(strings.ReplaceAll(odd, "ä", "%C3%A4"), " ", "%20")
	id := m1.acceptAt(header, "k", "flow", `{}`)
	if again := m1.acceptAt("m1", "k", "flow", `{}`); again != id {
		t.Errorf("the same call for another place is run %s, not %s", again, id)
	}
	missing := m1.acceptAt(header, "missing", "nothing", `{}`)
	resp, text := m1.exchange("GET", m1.url+events.JobStatusPath+"?job_id="+id, "", map[string]string{"Authorization": "Bearer " + m1.token[events.Admin]})
	if resp.StatusCode != 200 || !strings.Contains(string(text), "PENDING") {
		t.Errorf("its state at the other machine: %s", text)
	}
	waiting := m1.acceptAt("m3", "nobody", "flow", `{}`)
	stop := h.background(m1.Run)
	m1.ready()
	any := m1.acceptAt("", "any", "common", `{}`)
	if ended := h.until(events.Ended, any); ended.Status != events.OK || ended.Place != "m1" {
		t.Errorf("a run of no place: %+v", ended)
	}
	if n, _ := h.phase(events.Started, id); n != 0 {
		t.Error("it was started at the wrong place")
	}
	if part, err := h.bus.AskCancel(t.Context(), "", "default", events.CancelAsk{FlowJobID: waiting, By: "ann"}); err != nil || !part.Last.Cancelled() {
		t.Errorf("a run that waits for a machine that is not there cannot be cancelled: %+v, %v", part, err)
	}
	h.background(m2.Run)
	ended := h.until(events.Ended, id)
	_, started := h.phase(events.Started, id)
	if ended.Status != events.OK || ended.Place != odd || started.Process.Place != odd || !m2.exists("out/done") {
		t.Errorf("at its place it ended %+v", ended)
	}
	if ended := h.until(events.Ended, missing); ended.Status != events.ERROR || !strings.Contains(ended.Message, "binary_path: ") {
		t.Errorf("without its binary it ended %+v", ended)
	}
	stop() // logs are asked of the runner that has them, over the store
	part, said, err := h.bus.AskLog(t.Context(), started.Process.Runner, events.LogAsk{FlowJobID: id, Most: 1000})
	if err != nil || string(said) != "at "+id+"\n" {
		t.Errorf("its log: %q, %+v, %v", said, part, err)
	}
}

// A place is one runner's at a time: that of the same folder goes on with it, another waits.
func TestOnePlaceOneRunner(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	one, two := h.machine("m1", nil), h.machine("m1", nil)
	stop := h.background(one.Run)
	one.ready()
	end := h.background(two.Run)
	h.eventually("the second says that there is another", func() bool {
		err := two.Check()
		return err != nil && strings.Contains(err.Error(), "held by another runner")
	})
	stop()
	two.ready() // the first has given it back
	end()
	other := h.machine("m1", func(c *Config) { c.DataDir = two.data })
	h.background(other.Run)
	other.ready()
}

// kid is a machine that is a process of its own.
type kid struct {
	cmd  *exec.Cmd
	dead bool
}

func (k *kid) kill() {
	if !k.dead {
		k.dead = true
		_ = k.cmd.Process.Kill()
		_ = k.cmd.Wait() // the kill is its error
	}
}

func (m *machine) kid(url string, c child) *kid {
	m.t.Helper()
	c.URL, c.Drives, c.Data, c.Workers, c.Place = url, m.base, m.data, 8, m.place
	self, err := os.Executable()
	if err != nil {
		m.t.Fatal(err)
	}
	k := &kid{cmd: exec.Command(self)}
	k.cmd.Env = append(os.Environ(), childVariable+"="+string(events.Encode(c)))
	k.cmd.Stdout, k.cmd.Stderr = m.t.Output(), m.t.Output()
	k.cmd.WaitDelay = time.Second
	if err := k.cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(k.kill)
	return k
}

// A machine that comes back goes on at once with what it had, whoever else has a runner: with runs of
// its place, and with those that anybody could have taken.
func TestMachineThatComesBack(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	m1, m2 := h.machine("m1", nil), h.machine("m2", nil)
	m2.flow("flow", witness)
	relay := h.relay()
	calm := child{Fence: calmly.fence, Away: calmly.away}
	first := m2.kid(relay.url, calm)
	own := m1.acceptAt("m2", "own", "flow", `{"output_has_run_id":true}`)
	anybodys := m2.acceptAt("", "any", "flow", `{"output_has_run_id":true}`)
	for _, id := range []string{own, anybodys} {
		h.eventually("it runs", func() bool { return m2.exists("in/" + id + ".journal") })
	}
	h.background(m1.Run)
	m1.ready()
	first.kill()
	m2.write("in/release", "", 0o644)
	h.eventually("the run of anybody waits for its machine", func() bool {
		run, found, err := h.bus.AcceptedRun(t.Context(), anybodys)
		return err == nil && found && run.Place == "m2"
	})
	back := time.Now()
	m2.kid(relay.url, calm)
	for _, id := range []string{own, anybodys} {
		ended := h.until(events.Ended, id)
		if ended.Status != events.OK || ended.Attempt != 2 || ended.Place != "m2" || len(ended.Attempts) != 2 || !strings.HasPrefix(ended.Attempts[0].Message, "cut short") {
			t.Errorf("it ended %+v", ended)
		}
		if n, ev := h.phase(events.Retrying, id); n > 1 || n == 1 && (!ev.Interrupted() || ev.Outcome != events.OutcomeRetrying || !strings.Contains(ev.Why, "was cut short")) {
			t.Errorf("%d times cut short: %+v", n, ev)
		}
		t.Logf("ended %s after its return", time.Since(back).Round(time.Millisecond))
	}
	if m2.exists("in/overlaps") {
		t.Errorf("attempts overlap: %s", m2.read("in/overlaps"))
	}
}

// A machine that never comes back: what becomes of its runs depends on their drives and folders, and
// on somebody's word.
func TestMachineThatNeverReturns(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	shared := filepath.Join(t.TempDir(), "shared")
	quick := leaseTimes{every: 200 * time.Millisecond, fence: 2 * time.Second, away: 4 * time.Second}
	m1 := h.machine("m1", func(c *Config) {
		c.times, c.serves = quick, func(p events.Path) (here, both bool) {
			return true, p.Drive == "Shared" || strings.HasSuffix(p.Drive, "/Shared")
		}
	})
	m2 := h.machine("m2", nil)
	for _, m := range []*machine{m1, m2} {
		if err := os.MkdirAll(filepath.Join(shared, "in"), 0o755); err != nil {
			t.Fatal(err)
		}
		link := filepath.Join(m.base, "admin/repo/fs/Shared")
		if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(shared, link); err != nil {
			t.Fatal(err)
		}
	}
	m2.flow("flow", witness)
	if err := os.WriteFile(filepath.Join(shared, "flow"), []byte("#!/bin/sh\n"+witness+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	on := func(driveName, key, settings string) string {
		p := "admin/repo/fs/" + driveName
		call := string(events.Encode(map[string]any{"binary_path": p + "/flow", "input_dir": p + "/in", "settings": json.RawMessage(settings)}))
		a := m1.ask(m1.url, key, call, map[string]string{events.HeaderPlace: "m2"})
		if a.Status != events.OK {
			t.Fatalf("not accepted: %+v", a)
		}
		return a.Data.JobID
	}
	relay := h.relay()
	k := m2.kid(relay.url, child{Fence: quick.fence, Away: quick.away, Takeover: 5 * time.Second, Shared: true})
	taken := on("Shared", "taken", `{"output_has_run_id":true}`)
	mixed := on("Shared", "mixed", `{}`)
	local := on("Instabase Drive", "local", `{"output_has_run_id":true}`)
	h.background(m1.Run)
	m1.ready()
	for _, id := range []string{taken, mixed, local} {
		h.until(events.Started, id)
	}
	h.eventually("they run", func() bool {
		return journal(shared, taken) && journal(shared, mixed) && m2.exists("in/"+local+".journal")
	})
	k.kill()
	late := on("Shared", "late", `{}`)
	if err := os.WriteFile(filepath.Join(shared, "in/release"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{taken, late} {
		if ended := h.until(events.Ended, id); ended.Status != events.OK || ended.Place != "m1" {
			t.Errorf("taken over it ended %+v", ended)
		}
	}
	if n, _ := h.phase(events.Ended, mixed); n != 0 {
		t.Error("a run without a folder of its own was started while its machine may be frozen")
	}
	if n, _ := h.phase(events.Ended, local); n != 0 {
		t.Error("a run of a local drive ended by itself")
	}
	h.eventually("the runs that wait are counted", func() bool { return testutil.ToFloat64(m1.meter.waiting.WithLabelValues("m2")) == 2 })
	h.forget("m2")
	if ended := h.until(events.Ended, mixed); ended.Status != events.OK || ended.Place != "m1" {
		t.Errorf("of a machine that was forgotten it ended %+v", ended)
	}
	if ended := h.until(events.Ended, local); ended.Status != events.ERROR || !strings.Contains(ended.Message, "m2 is gone with the files") || !strings.Contains(ended.Message, "ann") {
		t.Errorf("without its files it ended %+v", ended)
	}
	h.drained()
	m2.kid(relay.url, child{Fence: calmly.fence, Away: calmly.away, Shared: true}) // it is back after all
	again := on("Instabase Drive", "again", `{}`)
	m2.write("in/release", "", 0o644)
	h.until(events.Ended, again)
	for _, id := range []string{taken, mixed, local, late} {
		if n, _ := h.phase(events.Ended, id); n != 1 {
			t.Errorf("%d ends of one run", n)
		}
	}
}

func journal(shared, id string) bool {
	_, err := os.Stat(filepath.Join(shared, "in", id+".journal"))
	return err == nil
}

// forget says that a machine never comes back, as somebody does by hand.
func (h *harness) forget(place string) {
	h.t.Helper()
	m, found, err := h.bus.PlaceLease("default", place).Last(h.t.Context())
	if err != nil || !found {
		h.t.Fatal(found, err)
	}
	l, err := m.Value()
	if err != nil {
		h.t.Fatal(err)
	}
	l.Forgotten = &events.Forgotten{By: "ann", At: time.Now().UTC()}
	if _, err := h.bus.PutPlaceLease(h.t.Context(), l, m.Sequence); err != nil {
		h.t.Fatal(err)
	}
}

// A runner that cannot renew its lease ends its flows, says so, and goes on when it can.
func TestFence(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	relay := h.relay()
	bus, _ := h.connect(relay)
	m := h.machine("m1", func(c *Config) {
		c.Bus = bus
		c.times = leaseTimes{every: 100 * time.Millisecond, fence: 2 * time.Second, away: time.Minute}
	})
	m.flow("flow", witness)
	h.background(m.Run)
	m.ready()
	id := h.machine("m2", nil).acceptAt("m1", "k", "flow", `{"output_has_run_id":true}`)
	h.eventually("it runs", func() bool { return m.exists("in/" + id + ".journal") })
	relay.cut(true)
	h.eventually("the runner says why it takes no runs", func() bool {
		err := m.leased()
		return err != nil && strings.Contains(err.Error(), "could not be renewed since")
	})
	h.eventually("the flow is ended", func() bool { return !m.has(id) })
	if err := m.Check(); err == nil || !strings.Contains(err.Error(), "could not be renewed since") {
		t.Errorf("ready: %v", err)
	}
	m.write("in/release", "", 0o644)
	relay.cut(false)
	if ended := h.until(events.Ended, id); ended.Status != events.OK || ended.Attempt < 2 {
		t.Errorf("it ended %+v", ended)
	}
	if m.exists("in/overlaps") {
		t.Errorf("attempts overlap: %s", m.read("in/overlaps"))
	}
	h.drained()
}

// A machine that is frozen with its flows for longer than others wait looks at its lease before
// anything else when it goes on; each run has one outcome.
func TestLongFrozenMachine(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long")
	}
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	quick := leaseTimes{every: 200 * time.Millisecond, fence: 2 * time.Second, away: 4 * time.Second}
	share := func(events.Path) (here, shared bool) { return true, true }
	m2 := h.machine("m2", nil)
	m1 := h.machine("m1", func(c *Config) { c.times, c.serves, c.Drives = quick, share, m2.Runner.drives })
	m2.flow("flow", `sleep 600 & echo $$ >> "$1/$SPOOL_RUN_ID.pids"; while [ ! -e "$1/release" ]; do sleep 0.05; done; echo "$SPOOL_ATTEMPT" >> "$1/ends"`)
	relay := h.relay()
	k := m2.kid(relay.url, child{Fence: quick.fence, Away: quick.away, Takeover: 5 * time.Second, Shared: true})
	h.background(m1.Run)
	m1.ready()
	var ids []string
	for range 4 { // as many as the other machine runs at once
		ids = append(ids, m2.acceptAt("m2", uuid.NewString(), "flow", `{"output_has_run_id":true}`))
	}
	for _, id := range ids {
		h.eventually("it runs", func() bool { return m2.exists("in/" + id + ".pids") })
	}
	groups := map[string]int{}
	for _, id := range ids {
		_, started := h.phase(events.Started, id)
		groups[id] = started.Process.PID
	}
	freeze := func(sig syscall.Signal) { // the machine whole: its runner and its flows
		_ = k.cmd.Process.Signal(sig)
		for _, id := range ids {
			_ = syscall.Kill(-groups[id], sig)
		}
	}
	freeze(syscall.SIGSTOP)
	t.Cleanup(func() { freeze(syscall.SIGCONT) })
	for _, id := range ids {
		h.eventually("the second attempt runs on the other machine", func() bool {
			n, ev := h.phase(events.Started, id)
			return n == 2 && ev.Process.Place == "m1"
		})
	}
	freeze(syscall.SIGCONT)
	h.eventually("the flows of the first attempts are ended", func() bool {
		for _, id := range ids {
			pid := m2.lines("in/" + id + ".pids")[0]
			if state, _ := exec.Command("ps", "-o", "stat=", "-p", pid).Output(); len(state) > 0 && state[0] != 'Z' {
				return false
			}
		}
		return true
	})
	m2.write("in/release", "", 0o644)
	for _, id := range ids {
		if ended := h.until(events.Ended, id); ended.Status != events.OK || ended.Attempt != 2 || ended.Place != "m1" {
			t.Errorf("it ended %+v", ended)
		}
	}
	h.drained()
	for _, id := range ids {
		if n, _ := h.phase(events.Ended, id); n != 1 {
			t.Errorf("%d ends of one run", n)
		}
	}
	for _, attempt := range m2.lines("in/ends") {
		if attempt != "2" {
			t.Errorf("attempt %s came to its end after it was given up", attempt)
		}
	}
}
