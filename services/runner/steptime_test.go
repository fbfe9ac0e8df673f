//go:build linux || darwin

package runner

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

// A job that names no step_timeout has the default: of its owner's role, unless
// one was given for all.
func TestDefaultStepTimeout(t *testing.T) {
	t.Parallel()
	h := newHarness(t, eventstest.Options{})
	h.flow("flow", waits)
	r := h.runner(nil)
	for role, want := range map[events.Role]time.Duration{events.Admin: 0, "operator": 24 * time.Hour, "": 0} {
		if limit, _ := r.stepTimeout(&attempt{run: events.Run{Role: role}}); limit != want {
			t.Errorf("role %q: %s", role, limit)
		}
	}
	if limit, whose := r.stepTimeout(&attempt{run: events.Run{Role: "operator"}, settings: settings{timed: true}}); limit != 0 || whose != "" {
		t.Errorf("a job that says none: %s %s", limit, whose)
	}
	r = h.runner(func(c *Config) { c.StepTimeout = 200 * time.Millisecond })
	url := h.serve(r).URL
	h.background(r.Run)
	for _, role := range []events.Role{events.Admin, "operator"} {
		a := h.ask(url, string(role), body("flow", `{}`), map[string]string{events.HeaderRole: string(role)})
		if a.status != http.StatusOK {
			t.Fatalf("%+v", a)
		}
		ended := h.until(events.Ended, a.Data.JobID)
		if want := "step_timeout: stopped after 200ms, the limit of jobs that name none"; !strings.HasPrefix(ended.Message, want) {
			t.Errorf("ended %+v", ended)
		}
	}
	h.write("in/release", "", 0o644)
	id := h.accept(url, "named", "flow", `{"step_timeout":600}`)
	if ended := h.until(events.Ended, id); ended.Status != events.OK {
		t.Errorf("ended %+v", ended)
	}
}
