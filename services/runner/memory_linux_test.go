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
)

func TestOwnTree(t *testing.T) {
	const host = "31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n"
	const hybrid = "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
	const bound = "31 23 0:28 /docker/ab /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n"
	for _, c := range []struct {
		mounts, own, dir string
		top              bool
	}{
		{host, "0::/system.slice/spool.service\n", "/sys/fs/cgroup/system.slice/spool.service", false},
		{host, "0::/\n", "/sys/fs/cgroup", true},
		{hybrid, "4:memory:/a\n0::/b\n", "/sys/fs/cgroup/unified/b", false},
		{bound, "0::/docker/ab/c\n", "/sys/fs/cgroup/c", false},
		{"", "0::/a\n", "", false},
		{host, "4:memory:/a\n", "", false},
		{bound, "0::/elsewhere\n", "", false},
	} {
		if dir, top, err := ownTree(c.mounts, c.own); dir != c.dir || top != c.top || (err == nil) != (c.dir != "") {
			t.Errorf("%q in %q: %q, %v, %v", c.own, c.mounts, dir, top, err)
		}
	}
}

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
	g := l.groups()
	l.flow("flow", `sleep 600 & setsid sleep 600 & touch "$2/begun"; while [ ! -e "$1/release" ]; do sleep 0.01; done`)
	r := l.shut(nil)
	r.program.groups = g
	url := l.serve(r).URL
	stop := l.background(r.Run)
	id := l.accept(url, "k", "flow", `{}`)
	began := l.until(events.Started, id)
	l.eventually("the flow runs", func() bool { return l.exists("out/begun") })
	var members []string
	all, err := filepath.Glob(filepath.Join(g.dir, "flow-*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range all {
		procs, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
		if err != nil {
			t.Fatal(err)
		}
		if pids := strings.Fields(string(procs)); slices.Contains(pids, strconv.Itoa(began.Process.PID)) {
			members = pids
			if bound, err := os.ReadFile(filepath.Join(dir, g.bound)); err != nil || strings.TrimSpace(string(bound)) != strconv.Itoa(int(g.memory)) {
				t.Errorf("the bound is %q, %v", bound, err)
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
	if left, _ := filepath.Glob(filepath.Join(g.dir, "flow-*")); len(left) > 0 {
		t.Errorf("there are left %v", left)
	}
}

// groups makes a part of the tree for this test, with whatever controller bounds
// bytes here: where it is that of memory, so much the better.
func (l *lab) groups() *groups {
	l.t.Helper()
	for _, top := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		dir := filepath.Join(top, "spool-test-"+filepath.Base(filepath.Dir(l.base)))
		have, err := os.ReadFile(filepath.Join(top, "cgroup.subtree_control"))
		if err != nil {
			continue
		}
		for _, c := range [][2]string{{"memory", "memory.max"}, {"hugetlb", "hugetlb.2MB.max"}} {
			if !slices.Contains(strings.Fields(string(have)), c[0]) {
				if put(top, "cgroup.subtree_control", "+"+c[0]) != nil {
					continue
				}
				l.t.Cleanup(func() { _ = put(top, "cgroup.subtree_control", "-"+c[0]) }) // as it was
			}
			if err := os.Mkdir(dir, 0o755); err != nil {
				continue
			}
			l.t.Cleanup(func() { _, _ = os.Remove(filepath.Join(dir, "spool")), os.Remove(dir) })
			g := &groups{dir: dir, controller: c[0], bound: c[1], memory: 512 << 20}
			if err := g.open(g.controller); err != nil {
				l.t.Fatal(err)
			}
			return g
		}
	}
	l.t.Skip("this machine lets no control group of version 2 be made with a controller that bounds bytes")
	return nil
}

// Processor time is bounded in the group, or by the choice of processors, which flows
// cannot take back in the sandbox.
func TestProcessorIsBounded(t *testing.T) {
	for cores, want := range map[float64]string{0.5: "50000 100000", 2: "200000 100000"} {
		g := (&groups{dir: t.TempDir()}).with(0, cores)
		m, err := g.group()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(m.path, "cpu.max")); string(got) != want {
			t.Errorf("%v cores are %q, %v; want %q", cores, got, err, want)
		}
		if _, err := os.Stat(filepath.Join(m.path, "memory.max")); err == nil {
			t.Error("memory is bounded, too")
		}
	}
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
		log, _ := os.ReadFile(filepath.Join(runDir(l.data, ended.FlowJobID), "run.log"))
		if said := strings.Contains(string(log), "no control group bounds its processor time"); said != (profiles != "") {
			t.Errorf("%q: the log says %s", profiles, log)
		}
	}
}
