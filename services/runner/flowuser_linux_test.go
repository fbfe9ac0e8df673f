package runner

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/services/runner/record"
)

const theFlowUser = 54321

// asRoot skips a test that only root can set up.
func asRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root may give files to others")
	}
}

// give changes the owner of a file of the drive.
func (h *harness) give(name string, to int, mode os.FileMode) {
	h.t.Helper()
	for _, err := range []error{os.Chown(h.host(name), to, to), os.Chmod(h.host(name), mode)} {
		if err != nil {
			h.t.Fatal(err)
		}
	}
}

func (h *harness) ownerOf(name string) int {
	h.t.Helper()
	info, err := os.Stat(h.host(name))
	if err != nil {
		return -1
	}
	return int(info.Sys().(*syscall.Stat_t).Uid)
}

// Who lets nobody else read a file lets the flow read it, and finds what the flow
// makes as one's own.
func TestFilesOfOthersAsRoot(t *testing.T) {
	asRoot(t)
	for _, user := range []string{"", fmt.Sprint(theFlowUser)} {
		for _, owner := range []int{0, 1234, theFlowUser} {
			t.Run(fmt.Sprintf("flow user %q, files of %d", user, owner), func(t *testing.T) {
				h := newHarness(t, eventstest.Options{})
				h.flow("flow", `set -e; cat "$1/a.txt"; cp "$1/a.txt" made; mkdir d; echo x > d/x; echo x > "$TMPDIR/x"; id -u; rm old
grep ^Cap /proc/self/status | cut -f 2 | sort -u`)
				h.write("in/a.txt", "as it was\n", 0o600)
				h.write("out/old", "", 0o600)
				for _, name := range []string{"in/a.txt", "out", "out/old", "flow"} {
					h.give(name, owner, 0o700)
				}
				r := h.shut(func(c *Config) { c.FlowUser = user })
				if !r.room.Form.View {
					t.Skip("this machine grants no mounts")
				}
				h.background(r.Run)
				id := h.accept(h.serve(r).URL, "k", "flow", `{}`)
				ended := h.until(events.Ended, id)
				if ended.Status != events.OK {
					t.Errorf("ended %+v", ended)
				}
				for _, name := range []string{"out/made", "out/d/x", "out", "in/a.txt"} {
					if got := h.ownerOf(name); got != owner {
						t.Errorf("%s belongs to %d", name, got)
					}
				}
				want := "as it was\n0\n0000000000000000\n"
				if user != "" {
					want = strings.Replace(want, "0", user, 1)
				}
				if text, _ := os.ReadFile(filepath.Join(record.Dir(h.data, id), "run.log")); string(text) != want {
					t.Errorf("the flow printed %q, want %q", text, want)
				}
			})
		}
	}
}

// What a flow cannot read is named, with what to do.
func TestWhatAFlowCannotRead(t *testing.T) {
	asRoot(t)
	for name, c := range map[string]struct {
		change func(*Config)
		set    func(*harness)
		says   []string
	}{
		"two owners": {nil, func(h *harness) {
			h.write("in/b.txt", "", 0o600)
			h.give("in/a.txt", 1001, 0o600)
			h.give("in/b.txt", 1002, 0o600)
		}, []string{"in/", "may not be read by the flow's user (uid 54321)", "chmod o+r"}},
		"no mounts": {func(c *Config) { c.hidden.mounts = true }, func(h *harness) { h.give("in/a.txt", 1001, 0o600) }, []string{"in/a.txt", "may not be read"}},
		"no mounts, no flow user": {
			func(c *Config) { c.hidden.mounts, c.FlowUser = true, "" }, func(h *harness) { h.give("in/a.txt", 1001, 0o600) },
			[]string{"in/a.txt", "without root's capabilities"},
		},
		"a folder on the way": {func(c *Config) { c.hidden.spaces = true }, func(h *harness) { h.give(".", 0, 0o700) }, []string{"who may not enter", theDrive, "chmod o+x"}},
		"deep":                {nil, func(h *harness) { h.write("in/d/e/b.txt", "", 0o600); h.give("in/d/e/b.txt", 1003, 0o600) }, []string{"in/d/e/b.txt", "may not be read"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, eventstest.Options{})
			h.open(h.host("."))
			h.open(h.host("in"))
			h.flow("flow", "echo ran")
			h.write("in/a.txt", "", 0o644)
			c.set(h)
			r := h.runner(func(cfg *Config) {
				cfg.Sandbox, cfg.FlowUser = SandboxBestEffort, fmt.Sprint(theFlowUser)
				if c.change != nil {
					c.change(cfg)
				}
			})
			h.background(r.Run)
			ended := h.until(events.Ended, h.accept(h.serve(r).URL, "k", "flow", `{}`))
			if ended.Status != events.ERROR {
				t.Errorf("ended %+v", ended)
			}
			for _, s := range c.says {
				if !strings.Contains(ended.Message, s) {
					t.Errorf("%q does not say %q", ended.Message, s)
				}
			}
		})
	}
}

// Where no mount can show another owner, the output folder gets one, unless another
// run has it.
func TestAnOutputFolderGetsAnOwner(t *testing.T) {
	asRoot(t)
	for _, shape := range []string{"whole", "no mounts", "no namespaces", "off"} {
		t.Run(shape, func(t *testing.T) {
			h := newHarness(t, eventstest.Options{})
			h.open(h.host("in"))
			h.flow("flow", `set -e; echo x > made; echo x > "$TMPDIR/x"; touch here; while [ ! -e "$1/release" ]; do sleep 0.01; done`)
			h.write("out/old", "", 0o600)
			r := h.runner(func(c *Config) {
				shapes[shape](c)
				c.hidden.owners, c.FlowUser = true, fmt.Sprint(theFlowUser)
			})
			url := h.serve(r).URL
			h.background(r.Run)
			first := h.accept(url, "first", "flow", `{}`)
			h.eventually("it runs", func() bool { return h.exists("out/here") || r.Check() != nil })
			h.give("out", 0, 0o755) // somebody takes it back
			second := h.accept(url, "second", "flow", `{}`)
			if n, _ := h.phase(events.Started, second); n > 0 {
				t.Error("two runs have it, and its owner has changed")
			}
			h.write("in/release", "", 0o644)
			for _, id := range []string{first, second} {
				if ended := h.until(events.Ended, id); ended.Status != events.OK {
					t.Errorf("ended %+v", ended)
				}
			}
			if h.ownerOf("out") != theFlowUser || h.ownerOf("out/made") != theFlowUser || h.ownerOf("out/old") != 0 {
				t.Errorf("owners: %d, %d, %d", h.ownerOf("out"), h.ownerOf("out/made"), h.ownerOf("out/old"))
			}
			h.eventually("no private folder is left", func() bool { // it goes after the end is told
				left, _ := filepath.Glob(filepath.Join(os.TempDir(), "spool-flow-*"))
				return len(left) == 0
			})
		})
	}
}

func TestFlowUserIsRefused(t *testing.T) {
	h := newHarness(t, eventstest.Options{})
	cfg := h.runner(nil).cfg
	for _, name := range []string{"root", "0", "no-such-user", "1:0", "0:5"} {
		cfg.FlowUser = name
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), "flow-user: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
