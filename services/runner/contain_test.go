//go:build linux || darwin

package runner

import (
	"fmt"
	"hash/fnv"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/services/runner/reaper"
	"spool.internal/services/runner/record"
)

// lasts is a program that goes on for ever, and whose arguments name this harness: its
// process id says little to a flow that has a pid namespace.
func (h *harness) lasts() string { return fmt.Sprintf("sleep 600.%09d", h.number()) }

func (h *harness) number() uint32 {
	sum := fnv.New32a()
	sum.Write([]byte(h.base))
	return sum.Sum32()
}

// left gives the processes of flows of this harness that live: the arguments of a
// script hold its path.
func (h *harness) left() (pids []int) {
	h.t.Helper()
	for _, mark := range []string{h.base, fmt.Sprintf("600.%09d", h.number())} {
		out, _ := exec.Command("pgrep", "-f", regexp.QuoteMeta(mark)).Output()
		for field := range strings.FieldsSeq(string(out)) {
			pid, _ := strconv.Atoi(field)
			if p, found, err := reaper.Lookup(pid); err == nil && found && !p.Zombie {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// Flows that do what flows should not: each is ended, told of, and leaves nothing.
func TestFlowsThatMisbehave(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	h.write("in/a.txt", "as it was", 0o666)
	h.flow("hangs", `echo waiting; while :; do sleep 0.1; done`)
	h.flow("ignores SIGTERM", `trap '' TERM; echo "not I"; while :; do sleep 0.1; done`)
	h.flow("stops when asked", `trap 'echo cleaned up; exit 0' TERM; while :; do sleep 0.1; done`)
	h.flow("forks twice", `(`+h.lasts()+` &) & wait; exit 0`)
	h.flow("leaves its group", `setsid sh -c 'echo > "$0/here"; exec `+h.lasts()+`' "$2" >/dev/null 2>&1 </dev/null &
while [ ! -s "$2/here" ]; do sleep 0.01; done; exit 0`)
	h.flow("forgets who it was", `env -i PATH="$PATH" setsid sh -c 'echo > "$0/here"; exec `+h.lasts()+`' "$2" >/dev/null 2>&1 </dev/null &
while [ ! -s "$2/here" ]; do sleep 0.01; done; exit 0`)
	h.flow("fills the disk", `head -c 10000000 /dev/zero > "$2/big"; status=$?; ls -l "$2/big" | awk '{ print $5 " bytes" }'; exit $status`)
	h.flow("is shot", `kill -SEGV $$`)
	h.flow("removes its input", `rm -rf "$1" && echo removed; ls "$1"; exit 1`)
	h.flow("dumps core", `ulimit -c; ulimit -n; exit 1`)
	r := h.runner(func(c *Config) {
		c.Sandbox, c.MaxFileSize = SandboxBestEffort, 1<<20
	})
	url := h.serve(r).URL
	h.background(r.Run)
	nothingLeft := func() bool { return len(h.left()) == 0 }
	on := func(os string, yes bool) bool { return yes || runtime.GOOS != os }
	for flow, want := range map[string]struct {
		settings string
		status   events.Status
		says     []string
		after    func() bool
	}{
		"hangs":              {`"step_timeout":1`, events.ERROR, []string{"step_timeout: stopped after 1s: waiting"}, nil},
		"stops when asked":   {`"step_timeout":0.5`, events.ERROR, []string{"step_timeout: stopped after 500ms: ", "cleaned up"}, nil},
		"ignores SIGTERM":    {`"step_timeout":0.5`, events.ERROR, []string{"step_timeout: stopped after 500ms: not I"}, nothingLeft},
		"forks twice":        {`"step_timeout":-1`, events.OK, nil, nothingLeft},
		"leaves its group":   {`"step_timeout":0`, events.OK, nil, func() bool { return on("linux", nothingLeft()) }},
		"forgets who it was": {`"step_timeout":0`, events.OK, nil, func() bool { return on("linux", nothingLeft()) }},
		"fills the disk": {`"step_timeout":5`, events.ERROR, []string{"exit status"}, func() bool {
			info, err := os.Stat(h.host("o/fills the disk/big"))
			return on("linux", err == nil && info.Size() <= 1<<20)
		}},
		"is shot":           {`"disable_step_timeout":true,"step_timeout":0.001`, events.ERROR, []string{"signal: segmentation fault"}, nil},
		"removes its input": {`"tags":[]`, events.ERROR, []string{"exit status 1"}, func() bool { return h.read("in/a.txt") == "as it was" || canSandbox() != nil }},
		"dumps core":        {`"tags":[]`, events.ERROR, []string{"exit status 1: 0\n4096"}, nil},
	} {
		if runtime.GOOS != "linux" && (flow == "fills the disk" || flow == "dumps core") {
			continue // no limits there
		}
		t.Run(flow, func(t *testing.T) {
			id := h.accept(url, flow, flow, `{"output_dir":"`+logical("o/"+flow)+`",`+want.settings+`}`)
			ended := h.until(events.Ended, id)
			if ended.Status != want.status || (ended.Status == events.OK) != (ended.Message == "") {
				t.Errorf("ended %+v", ended)
			}
			for _, s := range want.says {
				if !strings.Contains(ended.Message, s) {
					t.Errorf("message %q does not say %q", ended.Message, s)
				}
			}
			if want.after != nil && !want.after() {
				t.Error("something is left, or lost")
			}
			h.eventually("the private folder is gone", func() bool {
				_, err := os.Stat(filepath.Join(record.Dir(h.data, id), "tmp"))
				return os.IsNotExist(err)
			})
		})
	}
	h.drained()
}

// printed measures what a flow prints that prints much.
func printed(t *testing.T, bytes string) (took time.Duration) {
	h := newHarness(t, eventstest.Options{})
	h.flow("flow", `yes 0123456789abcdefghijklmnopqrstuvwxyz | head -c `+bytes+`; echo; echo the end`)
	r := h.runner(nil)
	url := h.serve(r).URL
	h.background(r.Run)
	ended := h.until(events.Ended, h.accept(url, "k", "flow", `{}`))
	if ended.Status != events.OK || !strings.Contains(ended.Message, "run.log leaves out ") {
		t.Errorf("ended %+v", ended)
	}
	info, err := os.Stat(filepath.Join(record.Dir(h.data, ended.FlowJobID), "run.log"))
	if err != nil || info.Size() > record.MaxHead+record.MaxLast+100 {
		t.Errorf("run.log: %v, %v", info, err)
	}
	return ended.At.Sub(ended.StartedAt)
}

func TestAFlowThatPrintsMuch(t *testing.T) {
	t.Parallel()
	printed(t, "100000000")
}

func TestLongAFlowThatPrints10GB(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long")
	}
	took := printed(t, "10000000000")
	t.Logf("10 GB in %s, %.1f GB/s", took.Round(time.Millisecond), 10/took.Seconds())
}

// bomb is a flow that forks until it may not, or has 10,000 children.
func (h *harness) bomb() string {
	return `
i=0
while [ $i -lt 10000 ]; do
	` + h.lasts() + ` & i=$((i+1))
done
echo $i > "$2/forks"
`
}

// 10,000 processes of a flow end with it, and do not keep others from running.
func TestLong10000Forks(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long")
	}
	h := newHarness(t, eventstest.Options{})
	h.flow("flow", h.bomb()+h.lasts())
	h.flow("other", "exit 0")
	r := h.runner(func(c *Config) { c.Sandbox, c.MaxProcesses = SandboxBestEffort, 20_000 })
	url := h.serve(r).URL
	h.background(r.Run)
	id := h.accept(url, "k", "flow", `{"step_timeout":120}`)
	h.until(events.Started, id)
	h.eventually("the flow has forked 10,000 times", func() bool { return h.exists("out/forks") })
	if n := len(h.left()); n < 10_000 {
		t.Errorf("the flow has %d processes", n)
	}
	if ended := h.until(events.Ended, h.accept(url, "other", "other", `{}`)); ended.Status != events.OK {
		t.Errorf("another run meanwhile: %+v", ended)
	}
	began := time.Now()
	if a := h.cancel(url, id, nil); a["status"] != "OK" {
		t.Errorf("cancel: %v", a)
	}
	h.until(events.Ended, id)
	if left := h.left(); len(left) > 0 {
		t.Errorf("%d processes are left", len(left))
	}
	t.Logf("10,000 processes gone %s after the request", time.Since(began).Round(time.Millisecond))
}

// The limit on processes holds for everybody but root.
func TestForksAreLimited(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		fmt.Fprintf(os.Stderr, "%s: NOT SHOWN: only Linux limits processes\n", t.Name())
		return
	}
	h := newHarness(t, eventstest.Options{})
	h.flow("flow", h.bomb()+"exit 0")
	var as *syscall.Credential
	if os.Getuid() == 0 {
		as = &syscall.Credential{Uid: 54321, Gid: 54321}
		for _, dir := range []string{h.data, h.host("."), h.host("in")} {
			h.open(dir)
		}
	}
	h.killableAs(h.relay().url, as, child{MaxProcesses: 300})
	acceptor := h.runner(nil)
	id := h.accept(h.serve(acceptor).URL, "k", "flow", `{}`)
	ended := h.until(events.Ended, id)
	if said := strings.ToLower(ended.Message); ended.Status != events.ERROR || !strings.Contains(said, "fork") || h.exists("out/forks") {
		t.Errorf("ended %+v", ended)
	}
	h.drained()
}

// open lets every user reach and change a folder of the harness.
func (h *harness) open(dir string) {
	h.t.Helper()
	if err := os.Chmod(dir, 0o777); err != nil {
		h.t.Fatal(err)
	}
	for d := filepath.Dir(dir); d != os.TempDir() && len(d) > 1; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			h.t.Fatal(err)
		}
	}
}
