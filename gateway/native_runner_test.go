package gateway_test

import (
	"net/http"
	"testing"

	"spool.internal/events"
)

// runnerSays stores what a built-in runner says of itself.
func (s *harness) runnerSays(id string, r events.RunnerState) {
	s.t.Helper()
	err := s.bus.PutRunner(s.t.Context(), id, r)
	if err != nil {
		s.t.Fatal(err)
	}
}

// Somebody who may write flows and is no administrator gets a token when every
// runner shuts flows in, or was told not to.
func TestTokensNeedTheSandbox(t *testing.T) {
	s := newHarness(t)
	try := func(role string) answer {
		return s.native(http.MethodPost, "tokens", s.admin, `{"owner":"ann","role":"`+role+`"}`)
	}
	whole := events.RunnerState{Host: "a", Sandbox: "auto"}
	lacking := events.RunnerState{Host: "b", Sandbox: "auto", Unmet: []string{"files: no Landlock", "ports: no Landlock 4"}}
	loose, off := lacking, lacking
	loose.Sandbox, off.Sandbox = "best-effort", "off"
	for _, step := range []struct {
		what   string
		second *events.RunnerState
		admits bool
	}{
		{"no runner but the first, which is whole", nil, true},
		{"one that lacks", &lacking, false},
		{"one that was told to do without", &loose, true},
		{"one that shuts nothing in", &off, true},
		{"one that is mended", &whole, true},
	} {
		s.runnerSays("first", whole)
		if step.second != nil {
			s.runnerSays("second", *step.second)
		}
		for _, role := range []string{"viewer", "admin"} {
			if a := try(role); a.code != http.StatusCreated {
				t.Errorf("%s, %s: %d %s", step.what, role, a.code, a.body)
			}
		}
		a := try("operator")
		if step.admits && a.code != http.StatusCreated {
			t.Errorf("%s: %d %s", step.what, a.code, a.body)
		}
		if !step.admits {
			wantFault(t, a, http.StatusConflict, "role: the runner on b cannot shut in the flows of somebody who is no administrator: "+
				"files: no Landlock; ports: no Landlock 4 (--sandbox best-effort goes without)")
		}
	}
}

func TestNativeJobShowsStepTimeout(t *testing.T) {
	s := newHarness(t)
	limit := func(token, id string) any {
		t.Helper()
		shown := into[struct {
			StepTimeout map[string]any `json:"step_timeout"`
		}](t, s.native(http.MethodGet, "jobs/"+id, token, ""), http.StatusOK).StepTimeout
		if shown == nil {
			return "nothing"
		}
		if shown["seconds"] == nil {
			return "none by " + shown["from"].(string)
		}
		return shown["seconds"]
	}
	ann := s.user("ann", events.Operator)
	timed := body{settings: `{"step_timeout":90}`}.String()
	jobs := map[string]struct{ token, id string }{}
	for name, token := range map[string]string{"admin": s.admin, "ann": ann} {
		plain, _ := s.made(token, body{}.String())
		limited, _ := s.made(token, timed)
		jobs[name], jobs[name+" timed"] = struct{ token, id string }{token, plain.ID}, struct{ token, id string }{token, limited.ID}
	}
	for _, step := range []struct {
		runner *events.RunnerState
		want   map[string]any
	}{
		{nil, map[string]any{"admin": "nothing", "ann": "nothing", "ann timed": "nothing"}},
		{&events.RunnerState{}, map[string]any{"admin": "none by default", "ann": 86400.0, "admin timed": 90.0, "ann timed": 90.0}},
		{&events.RunnerState{StepTimeout: "1m0s"}, map[string]any{"admin": 60.0, "ann": 60.0, "admin timed": 90.0}},
		{&events.RunnerState{StepTimeout: "-1s"}, map[string]any{"admin": "none by default", "ann": "none by default", "ann timed": 90.0}},
		{&events.RunnerState{Direct: true}, map[string]any{"admin": "nothing", "ann": "nothing"}},
	} {
		if step.runner != nil {
			s.runnerSays("r", *step.runner)
		}
		for name, want := range step.want {
			if got := limit(jobs[name].token, jobs[name].id); got != want {
				t.Errorf("%+v, %s: %v, want %v", step.runner, name, got, want)
			}
		}
	}
}
