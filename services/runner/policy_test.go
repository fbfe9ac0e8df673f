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
func (l *lab) lacking(sandbox Sandbox) *Runner {
	return l.runner(func(c *Config) {
		c.Sandbox, c.hidden = sandbox, hidden{landlock: -1, spaces: true}
	})
}

// Where something is lacking flows start as long as nobody but administrators may
// write them, and the run says what.
func TestTheSandboxIsNeededForOthers(t *testing.T) {
	l := newLab(t, eventstest.Options{})
	l.flow("flow", "exit 0")
	r := l.lacking(SandboxAuto)
	if len(r.Lacks()) == 0 || len(r.Notes()) == 0 {
		t.Fatal("nothing is lacking")
	}
	url := l.serve(r).URL
	l.background(r.Run)
	l.eventually("no flow is started", func() bool { return r.Check() != nil })
	refused := l.ask(url, "k", body("flow", `{}`), nil)
	if refused.status != http.StatusServiceUnavailable || !strings.Contains(refused.Msg, "somebody who is no administrator") || !strings.Contains(refused.Msg, "Landlock 3") {
		t.Errorf("a run of whoever: %+v", refused)
	}
	olga := l.revoke("olga")
	l.eventually("flows are started", func() bool { return r.Check() == nil })
	id := l.accept(url, "k", "flow", `{}`)
	if ended := l.until(events.Ended, id); ended.Status != events.OK {
		t.Errorf("ended %+v", ended)
	}
	if began := l.until(events.Started, id); !strings.Contains(strings.Join(began.Unmet, " "), "files ports signals") {
		t.Errorf("the start says that %q is lacking", began.Unmet)
	}
	log, err := os.ReadFile(filepath.Join(record.Dir(l.data, id), "run.log"))
	if err != nil || !strings.Contains(string(log), "--- not kept from this flow: files: flows open files that are not theirs; it takes Landlock 3") {
		t.Errorf("run.log: %q, %v", log, err)
	}
	// What waits in the queue when such a token comes back goes on waiting.
	l.flow("waits", waits)
	first := l.accept(url, "first", "waits", `{"output_dir":"`+logical("o")+`"}`)
	l.eventually("the flow runs", func() bool { return l.exists("in/journal") })
	if err := l.keys.Enter(t.Context(), olga); err != nil {
		t.Fatal(err)
	}
	l.eventually("no flow is started", func() bool { return r.Check() != nil })
	l.write("in/release", "", 0o644)
	if ended := l.until(events.Ended, first); ended.Status != events.OK {
		t.Errorf("the run that was under way: %+v", ended)
	}
}

// revoke takes the token of a user away, and gives one for later.
func (l *lab) revoke(owner string) events.Token {
	l.t.Helper()
	all, err := l.bus.Tokens(l.t.Context())
	if err != nil {
		l.t.Fatal(err)
	}
	for _, t := range all {
		if t.Owner == owner {
			if err := l.keys.Revoke(l.t.Context(), t.ID); err != nil {
				l.t.Fatal(err)
			}
		}
	}
	later, _ := events.NewToken(owner, events.Operator, time.Now())
	return later
}

// A flag may weaken the sandbox, for everybody; and a runner says what it is.
func TestWhatARunnerSaysOfItself(t *testing.T) {
	l := newLab(t, eventstest.Options{})
	l.flow("flow", "exit 0")
	state := func(r *Runner) (s events.RunnerState) {
		t.Helper()
		if err := r.Announce(t.Context()); err != nil {
			t.Fatal(err)
		}
		n := 0
		err := l.bus.LastOf(t.Context(), events.StreamState, []string{events.AllRunners}, func(m jet.Stored) {
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
		r := l.lacking(sandbox)
		url := l.serve(r).URL
		stop := l.background(r.Run)
		if ended := l.until(events.Ended, l.accept(url, string(sandbox), "flow", `{}`)); ended.Status != events.OK {
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
	if s := state(l.lacking(SandboxAuto)); events.AdmitWriter([]events.RunnerState{s}) == nil || s.Host == "" {
		t.Errorf("auto: it says %+v", s)
	}
	if _, err := New(func() Config { c := l.lacking(SandboxOff).cfg; c.Sandbox = SandboxRequired; return c }()); err == nil || !strings.Contains(err.Error(), "signals: ") {
		t.Errorf("required: %v", err)
	}
}
