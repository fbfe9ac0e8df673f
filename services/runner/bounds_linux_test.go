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
	l := newLab(t, eventstest.Options{})
	l.flow("greedy", greedy)
	l.flow("modest", "seq 1000 | sort | tail -1")
	for name, sandbox := range map[string]Sandbox{"in": SandboxBestEffort, "out": SandboxOff} {
		r := l.runner(func(c *Config) { c.Sandbox, c.Memory = sandbox, 64<<20 })
		url := l.serve(r).URL
		stop := l.background(r.Run)
		if ended := l.until(events.Ended, l.accept(url, name+" greedy", "greedy", `{}`)); ended.Status != events.ERROR {
			t.Errorf("%s: ended %+v", name, ended)
		}
		if ended := l.until(events.Ended, l.accept(url, name+" modest", "modest", `{}`)); ended.Status != events.OK {
			t.Errorf("%s: ended %+v", name, ended)
		}
		stop()
	}
	r := l.runner(func(c *Config) { c.Memory = 0 })
	url := l.serve(r).URL
	l.background(r.Run)
	if ended := l.until(events.Ended, l.accept(url, "free", "greedy", `{}`)); ended.Status != events.OK {
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
	l := newLab(t, eventstest.Options{})
	g, dir, bound := l.groups()
	l.flow("flow", `sleep 600 & setsid sleep 600 & touch "$2/begun"; while [ ! -e "$1/release" ]; do sleep 0.01; done`)
	r := l.shut(nil)
	r.program.Groups = g
	r.pool = process.NewPool(r.program, r.roomNow, r.log)
	r.takeWarm = r.pool.Take
	url := l.serve(r).URL
	stop := l.background(r.Run)
	id := l.accept(url, "k", "flow", `{}`)
	began := l.until(events.Started, id)
	l.eventually("the flow runs", func() bool { return l.exists("out/begun") })
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
	l.write("in/release", "", 0o644)
	if ended := l.until(events.Ended, id); ended.Status != events.OK {
		t.Errorf("ended %+v", ended)
	}
	stop()
	if left, _ := filepath.Glob(filepath.Join(dir, "flow-*")); len(left) > 0 {
		t.Errorf("there are left %v", left)
	}
}

// groups makes a part of the tree for this test, with whatever controller bounds
// bytes here: where it is that of memory, so much the better.
func (l *lab) groups() (g *cgroup.Groups, dir, bound string) {
	l.t.Helper()
	for _, top := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		dir := filepath.Join(top, "spool-test-"+filepath.Base(filepath.Dir(l.base)))
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
				l.t.Cleanup(func() { _ = os.WriteFile(control, []byte("-"+c[0]), 0) }) // as it was
			}
			if err := os.Mkdir(dir, 0o755); err != nil {
				continue
			}
			l.t.Cleanup(func() { _, _ = os.Remove(filepath.Join(dir, "spool")), os.Remove(dir) })
			g, err := cgroup.At(dir, c[0], c[1], 512<<20)
			if err != nil {
				l.t.Fatal(err)
			}
			return g, dir, c[1]
		}
	}
	l.t.Skip("this machine lets no control group of version 2 be made with a controller that bounds bytes")
	return nil, "", ""
}

// Processor time is bounded in the group, or by the choice of processors, which flows
// cannot take back in the sandbox.
func TestProcessorIsBounded(t *testing.T) {
	if runtime.NumCPU() < 2 {
		t.Skip("this machine has one processor, so that there is no choice")
	}
	l := newLab(t, eventstest.Options{})
	l.flow("flow", `nproc; taskset -p ffff $$ >/dev/null 2>&1 || echo denied; nproc`)
	r := l.shut(func(c *Config) {
		c.Profiles = []string{"half: owners *; processor 0.5", "much: owners *; processor 1000"}
	})
	r.grouping.Do(func() {}) // as where no control group is ours
	url := l.serve(r).URL
	l.background(r.Run)
	all := strconv.Itoa(runtime.NumCPU())
	for profiles, want := range map[string]string{"": all + "\n" + all + "\n", "half": "1\ndenied\n1\n", "half,much": all + "\ndenied\n" + all + "\n"} {
		ended := l.granted(url, "with "+profiles, profiles)
		if got := l.printed(ended); got != want {
			t.Errorf("%q: %q, want %q", profiles, got, want)
		}
		log, _ := os.ReadFile(filepath.Join(record.Dir(l.data, ended.FlowJobID), "run.log"))
		if said := strings.Contains(string(log), "no control group bounds its processor time"); said != (profiles != "") {
			t.Errorf("%q: the log says %s", profiles, log)
		}
	}
}
