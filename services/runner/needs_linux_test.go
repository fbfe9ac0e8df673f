package runner

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"spool.internal/events/eventstest"
)

// proofs are what shows that a need is met: a trial that it denies.
var proofs = map[string]string{
	"files": "truncate another job's file", "ports": "take a port", "signals": "signal the server",
	"sockets": "connect to a service's socket", "calls": "use the kernel's keys",
}

// The table of needs is true on kernels that are not at hand: with features hidden
// from the runner, a flow does what is not met, and nothing that is.
func TestNeedsAreTrue(t *testing.T) {
	t.Parallel()
	inEveryForm(t, "TestNeedsAreTrue", needsAreTrue)
}

func needsAreTrue(t *testing.T, f *form) {
	h := newHarness(t, eventstest.Options{})
	target := h.aim()
	for _, hides := range []hidden{{landlock: -1}, {landlock: 2}, {landlock: 3}, {landlock: 4}, {landlock: 6}, {seccomp: true}, {landlock: -1, seccomp: true}} {
		r := h.runner(func(c *Config) {
			c.Sandbox, c.hidden = SandboxBestEffort, hides
			if f.flowUser {
				c.FlowUser = "65534"
			}
		})
		lacks := needNames(r.Lacks())
		got := h.probe(r, target, strings.NewReplacer("{", "", "}", "", ":", " ").Replace(fmt.Sprintf("%+v", hides)))
		for need, trial := range proofs {
			may, met := got[trial] == "yes", !slices.Contains(lacks, need)
			// Where flows have a root or a user of their own something else may be in their way.
			if met && may || !met && !may && f.name == "user, no namespaces" {
				t.Errorf("%s, %+v hidden: %s met: %v; %s: %s", f.name, hides, need, met, trial, got[trial])
			}
		}
	}
}

// Ports are for flows that were granted them.
func TestListenIsGranted(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	target := h.aim()
	r := h.runner(func(c *Config) { c.Sandbox, c.Listen = SandboxBestEffort, true })
	if notes := strings.Join(r.Notes(), " "); !strings.Contains(notes, "flows may take ports (--runner-network listen)") {
		t.Errorf("the notes are %q", notes)
	}
	got := h.probe(r, target, "listen")
	for trial, may := range map[string]bool{"take a port": true, "wait for connections": true, "take a port by another protocol": false, "make sockets of other kinds": false} {
		if (got[trial] == "yes") != may {
			t.Errorf("%s: %s", trial, got[trial])
		}
	}
	cfg := r.cfg
	cfg.Offline = true
	if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), "runner-network: ") {
		t.Errorf("offline and listening: %v", err)
	}
}
