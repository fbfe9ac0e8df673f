package runner

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/services/runner/cgroup"
	"spool.internal/services/runner/process"
	"spool.internal/services/runner/record"
)

// greedy is a flow that keeps 200 MB in memory.
const greedy = `head -c 200000000 /dev/zero | tail -c 200000000 | wc -c > "$2/kept"; test "$(cat "$2/kept")" = 200000000`

// A process that wants more memory than flows may have does not get it, and one
// that wants less does.
func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	h.flow("greedy", greedy)
	h.flow("modest", "seq 1000 | sort | tail -1")
	for name, sandbox := range map[string]Sandbox{"in": SandboxBestEffort, "out": SandboxOff} {
		r := h.runner(func(c *Config) { c.Sandbox, c.Memory = sandbox, 64<<20 })
		url := h.serve(r).URL
		stop := h.background(r.Run)
		if ended := h.until(events.Ended, h.accept(url, name+" greedy", "greedy", `{}`)); ended.Status != events.ERROR {
			t.Errorf("%s: ended %+v", name, ended)
		}
		if ended := h.until(events.Ended, h.accept(url, name+" modest", "modest", `{}`)); ended.Status != events.OK {
			t.Errorf("%s: ended %+v", name, ended)
		}
		stop()
	}
	r := h.runner(func(c *Config) { c.Memory = 0 })
	url := h.serve(r).URL
	h.background(r.Run)
	if ended := h.until(events.Ended, h.accept(url, "free", "greedy", `{}`)); ended.Status != events.OK {
		t.Errorf("without a bound: ended %+v", ended)
	}
	cfg := r.cfg
	cfg.Memory = 1000
	if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), "flow-memory: 1000 bytes") {
		t.Errorf("a bound that fits nothing: %v", err)
	}
}

// All processes of a flow are in a control group of its own, with its bound, and the
// group goes with them.
func TestFlowsHaveGroups(t *testing.T) {
	h := newHarness(t, eventstest.Options{})
	g, dir, bound := h.groups()
	h.flow("flow", `sleep 600 & setsid sleep 600 & touch "$2/begun"; while [ ! -e "$1/release" ]; do sleep 0.01; done`)
	r := h.shut(nil)
	r.program.Groups = g
	r.pool = process.NewPool(r.program, r.roomNow, r.log)
	r.takeWarm = r.pool.Take
	url := h.serve(r).URL
	stop := h.background(r.Run)
	id := h.accept(url, "k", "flow", `{}`)
	began := h.until(events.Started, id)
	h.eventually("the flow runs", func() bool { return h.exists("out/begun") })
	var members []string
	all, err := filepath.Glob(filepath.Join(dir, "flow-*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range all {
		procs, err := os.ReadFile(filepath.Join(group, "cgroup.procs"))
		if err != nil {
			t.Fatal(err)
		}
		if pids := strings.Fields(string(procs)); slices.Contains(pids, strconv.Itoa(began.Process.PID)) {
			members = pids
			if is, err := os.ReadFile(filepath.Join(group, bound)); err != nil || strings.TrimSpace(string(is)) != strconv.Itoa(512<<20) {
				t.Errorf("the bound is %q, %v", is, err)
			}
		}
	}
	if len(members) < 4 { // the guard, the flow and what it has started
		t.Errorf("the group has the members %v", members)
	}
	h.write("in/release", "", 0o644)
	if ended := h.until(events.Ended, id); ended.Status != events.OK {
		t.Errorf("ended %+v", ended)
	}
	stop()
	if left, _ := filepath.Glob(filepath.Join(dir, "flow-*")); len(left) > 0 {
		t.Errorf("there are left %v", left)
	}
}

// groups makes a part of the tree for this test, with whatever controller bounds
// bytes here: where it is that of memory, so much the better.
func (h *harness) groups() (g *cgroup.Groups, dir, bound string) {
	h.t.Helper()
	for _, top := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		dir := filepath.Join(top, "spool-test-"+filepath.Base(filepath.Dir(h.base)))
		control := filepath.Join(top, "cgroup.subtree_control")
		have, err := os.ReadFile(control)
		if err != nil {
			continue
		}
		for _, c := range [][2]string{{"memory", "memory.max"}, {"hugetlb", "hugetlb.2MB.max"}} {
			if !slices.Contains(strings.Fields(string(have)), c[0]) {
				if os.WriteFile(control, []byte("+"+c[0]), 0) != nil {
					continue
				}
				h.t.Cleanup(func() { _ = os.WriteFile(control, []byte("-"+c[0]), 0) }) // as it was
			}
			if err := os.Mkdir(dir, 0o755); err != nil {
				continue
			}
			h.t.Cleanup(func() { _, _ = os.Remove(filepath.Join(dir, "spool")), os.Remove(dir) })
			g, err := cgroup.At(dir, c[0], c[1], 512<<20)
			if err != nil {
				h.t.Fatal(err)
			}
			return g, dir, c[1]
		}
	}
	h.t.Skip("this machine lets no control group of version 2 be made with a controller that bounds bytes")
	return nil, "", ""
}

// Processor time is bounded in the group, or by the choice of processors, which flows
// cannot take back in the sandbox.
func TestProcessorIsBounded(t *testing.T) {
	t.Parallel()
	if runtime.NumCPU() < 2 {
		t.Skip("this machine has one processor, so that there is no choice")
	}
	h := newHarness(t, eventstest.Options{})
	h.flow("flow", `nproc; taskset -p ffff $$ >/dev/null 2>&1 || echo denied; nproc`)
	r := h.shut(func(c *Config) {
		c.Profiles = []string{"half: owners *; processor 0.5", "much: owners *; processor 1000"}
	})
	r.grouping.Do(func() {}) // as where no control group is ours
	url := h.serve(r).URL
	h.background(r.Run)
	all := strconv.Itoa(runtime.NumCPU())
	for profiles, want := range map[string]string{"": all + "\n" + all + "\n", "half": "1\ndenied\n1\n", "half,much": all + "\ndenied\n" + all + "\n"} {
		ended := h.granted(url, "with "+profiles, profiles)
		if got := h.printed(ended); got != want {
			t.Errorf("%q: %q, want %q", profiles, got, want)
		}
		log, _ := os.ReadFile(filepath.Join(record.Dir(h.data, ended.FlowJobID), "run.log"))
		if said := strings.Contains(string(log), "no control group bounds its processor time"); said != (profiles != "") {
			t.Errorf("%q: the log says %s", profiles, log)
		}
	}
}
