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
func (l *lab) give(name string, to int, mode os.FileMode) {
	l.t.Helper()
	for _, err := range []error{os.Chown(l.host(name), to, to), os.Chmod(l.host(name), mode)} {
		if err != nil {
			l.t.Fatal(err)
		}
	}
}

func (l *lab) ownerOf(name string) int {
	l.t.Helper()
	info, err := os.Stat(l.host(name))
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
				l := newLab(t, eventstest.Options{})
				l.flow("flow", `set -e; cat "$1/a.txt"; cp "$1/a.txt" made; mkdir d; echo x > d/x; echo x > "$TMPDIR/x"; id -u; rm old
grep ^Cap /proc/self/status | cut -f 2 | sort -u`)
				l.write("in/a.txt", "as it was\n", 0o600)
				l.write("out/old", "", 0o600)
				for _, name := range []string{"in/a.txt", "out", "out/old", "flow"} {
					l.give(name, owner, 0o700)
				}
				r := l.shut(func(c *Config) { c.FlowUser = user })
				if !r.room.Form.View {
					t.Skip("this machine grants no mounts")
				}
				l.background(r.Run)
				id := l.accept(l.serve(r).URL, "k", "flow", `{}`)
				ended := l.until(events.Ended, id)
				if ended.Status != events.OK {
					t.Errorf("ended %+v", ended)
				}
				for _, name := range []string{"out/made", "out/d/x", "out", "in/a.txt"} {
					if got := l.ownerOf(name); got != owner {
						t.Errorf("%s belongs to %d", name, got)
					}
				}
				want := "as it was\n0\n0000000000000000\n"
				if user != "" {
					want = strings.Replace(want, "0", user, 1)
				}
				if text, _ := os.ReadFile(filepath.Join(record.Dir(l.data, id), "run.log")); string(text) != want {
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
		set    func(*lab)
		says   []string
	}{
		"two owners": {nil, func(l *lab) {
			l.write("in/b.txt", "", 0o600)
			l.give("in/a.txt", 1001, 0o600)
			l.give("in/b.txt", 1002, 0o600)
		}, []string{"in/", "may not be read by the flow's user (uid 54321)", "chmod o+r"}},
		"no mounts": {func(c *Config) { c.hidden.mounts = true }, func(l *lab) { l.give("in/a.txt", 1001, 0o600) }, []string{"in/a.txt", "may not be read"}},
		"no mounts, no flow user": {
			func(c *Config) { c.hidden.mounts, c.FlowUser = true, "" }, func(l *lab) { l.give("in/a.txt", 1001, 0o600) },
			[]string{"in/a.txt", "without root's capabilities"},
		},
		"a folder on the way": {func(c *Config) { c.hidden.spaces = true }, func(l *lab) { l.give(".", 0, 0o700) }, []string{"who may not enter", theDrive, "chmod o+x"}},
		"deep":                {nil, func(l *lab) { l.write("in/d/e/b.txt", "", 0o600); l.give("in/d/e/b.txt", 1003, 0o600) }, []string{"in/d/e/b.txt", "may not be read"}},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, eventstest.Options{})
			l.open(l.host("."))
			l.open(l.host("in"))
			l.flow("flow", "echo ran")
			l.write("in/a.txt", "", 0o644)
			c.set(l)
			r := l.runner(func(cfg *Config) {
				cfg.Sandbox, cfg.FlowUser = SandboxBestEffort, fmt.Sprint(theFlowUser)
				if c.change != nil {
					c.change(cfg)
				}
			})
			l.background(r.Run)
			ended := l.until(events.Ended, l.accept(l.serve(r).URL, "k", "flow", `{}`))
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
			l := newLab(t, eventstest.Options{})
			l.open(l.host("in"))
			l.flow("flow", `set -e; echo x > made; echo x > "$TMPDIR/x"; touch here; while [ ! -e "$1/release" ]; do sleep 0.01; done`)
			l.write("out/old", "", 0o600)
			r := l.runner(func(c *Config) {
				shapes[shape](c)
				c.hidden.owners, c.FlowUser = true, fmt.Sprint(theFlowUser)
			})
			url := l.serve(r).URL
			l.background(r.Run)
			first := l.accept(url, "first", "flow", `{}`)
			l.eventually("it runs", func() bool { return l.exists("out/here") || r.Check() != nil })
			l.give("out", 0, 0o755) // somebody takes it back
			second := l.accept(url, "second", "flow", `{}`)
			if n, _ := l.phase(events.Started, second); n > 0 {
				t.Error("two runs have it, and its owner has changed")
			}
			l.write("in/release", "", 0o644)
			for _, id := range []string{first, second} {
				if ended := l.until(events.Ended, id); ended.Status != events.OK {
					t.Errorf("ended %+v", ended)
				}
			}
			if l.ownerOf("out") != theFlowUser || l.ownerOf("out/made") != theFlowUser || l.ownerOf("out/old") != 0 {
				t.Errorf("owners: %d, %d, %d", l.ownerOf("out"), l.ownerOf("out/made"), l.ownerOf("out/old"))
			}
			l.eventually("no private folder is left", func() bool { // it goes after the end is told
				left, _ := filepath.Glob(filepath.Join(os.TempDir(), "spool-flow-*"))
				return len(left) == 0
			})
		})
	}
}

func TestFlowUserIsRefused(t *testing.T) {
	l := newLab(t, eventstest.Options{})
	cfg := l.runner(nil).cfg
	for _, name := range []string{"root", "0", "no-such-user", "1:0", "0:5"} {
		cfg.FlowUser = name
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), "flow-user: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
