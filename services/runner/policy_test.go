//go:build linux

package runner

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
	"spool.internal/services/runner/record"
)

// lacking makes a runner on a host without Landlock and namespaces.
func (h *harness) lacking(sandbox Sandbox) *Runner {
	return h.runner(func(c *Config) {
		c.Sandbox, c.hidden = sandbox, hidden{landlock: -1, spaces: true}
	})
}

// Where something is lacking flows start as long as nobody but administrators may
// write them, and the run says what.
func TestTheSandboxIsNeededForOthers(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	h.flow("flow", "exit 0")
	r := h.lacking(SandboxAuto)
	if len(r.Lacks()) == 0 || len(r.Notes()) == 0 {
		t.Fatal("nothing is lacking")
	}
	url := h.serve(r).URL
	h.background(r.Run)
	h.eventually("no flow is started", func() bool { return r.Check() != nil })
	refused := h.ask(url, "k", body("flow", `{}`), nil)
	if refused.status != http.StatusServiceUnavailable || !strings.Contains(refused.Msg, "somebody who is no administrator") || !strings.Contains(refused.Msg, "Landlock 3") {
		t.Errorf("a run of whoever: %+v", refused)
	}
	olga := h.revoke("olga")
	h.eventually("flows are started", func() bool { return r.Check() == nil })
	id := h.accept(url, "k", "flow", `{}`)
	if ended := h.until(events.Ended, id); ended.Status != events.OK {
		t.Errorf("ended %+v", ended)
	}
	if began := h.until(events.Started, id); !strings.Contains(strings.Join(began.Unmet, " "), "files ports signals") {
		t.Errorf("the start says that %q is lacking", began.Unmet)
	}
	log, err := os.ReadFile(filepath.Join(record.Dir(h.data, id), "run.log"))
	if err != nil || !strings.Contains(string(log), "--- not kept from this flow: files: flows open files that are not theirs; it takes Landlock 3") {
		t.Errorf("run.log: %q, %v", log, err)
	}
	// What waits in the queue when such a token comes back goes on waiting.
	h.flow("waits", waits)
	first := h.accept(url, "first", "waits", `{"output_dir":"`+logical("o")+`"}`)
	h.eventually("the flow runs", func() bool { return h.exists("in/journal") })
	if err := h.keys.Enter(t.Context(), olga); err != nil {
		t.Fatal(err)
	}
	h.eventually("no flow is started", func() bool { return r.Check() != nil })
	h.write("in/release", "", 0o644)
	if ended := h.until(events.Ended, first); ended.Status != events.OK {
		t.Errorf("the run that was under way: %+v", ended)
	}
}

// revoke takes the token of a user away, and gives one for later.
func (h *harness) revoke(owner string) events.Token {
	h.t.Helper()
	all, err := h.bus.Tokens(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	for _, t := range all {
		if t.Owner == owner {
			if err := h.keys.Revoke(h.t.Context(), t.ID); err != nil {
				h.t.Fatal(err)
			}
		}
	}
	later, _ := events.NewToken(owner, events.Operator, time.Now())
	return later
}

// A flag may weaken the sandbox, for everybody; and a runner says what it is.
func TestWhatARunnerSaysOfItself(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	h.flow("flow", "exit 0")
	state := func(r *Runner) (s events.RunnerState) {
		t.Helper()
		if err := r.Announce(t.Context()); err != nil {
			t.Fatal(err)
		}
		n := 0
		err := h.bus.Runners().LastEach(t.Context(), func(m jet.Entry[events.RunnerState]) {
			n++
			if err := json.Unmarshal(m.Data, &s); err != nil {
				t.Error(err)
			}
		})
		if err != nil || n != 1 {
			t.Fatalf("%d runners, %v", n, err)
		}
		return s
	}
	for _, sandbox := range []Sandbox{SandboxBestEffort, SandboxOff} {
		r := h.lacking(sandbox)
		url := h.serve(r).URL
		stop := h.background(r.Run)
		if ended := h.until(events.Ended, h.accept(url, string(sandbox), "flow", `{}`)); ended.Status != events.OK {
			t.Errorf("%s: ended %+v", sandbox, ended)
		}
		stop()
		if len(r.Notes()) == 0 {
			t.Errorf("%s: nothing is said", sandbox)
		}
		if s := state(r); s.Sandbox != string(sandbox) || events.AdmitWriter([]events.RunnerState{s}) != nil {
			t.Errorf("%s: it says %+v", sandbox, s)
		}
	}
	if s := state(h.lacking(SandboxAuto)); events.AdmitWriter([]events.RunnerState{s}) == nil || s.Host == "" {
		t.Errorf("auto: it says %+v", s)
	}
	if _, err := New(func() Config { c := h.lacking(SandboxOff).cfg; c.Sandbox = SandboxRequired; return c }()); err == nil || !strings.Contains(err.Error(), "signals: ") {
		t.Errorf("required: %v", err)
	}
}
