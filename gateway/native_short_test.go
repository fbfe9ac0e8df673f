package gateway_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"spool.internal/events"
)

// A short job is shown, and changed, in one form; changed into another, it is what that
// would be if it were made so.
func TestShortJobsHaveOneForm(t *testing.T) {
	s := newHarness(t)
	s.runnerSays("r", events.RunnerState{Host: "h"})
	ann := s.user("ann", events.Operator)
	const (
		clock  = `{"name":"n","schedule":"@daily","run":{"command":"true"}}`
		folder = `{"name":"n","run":{"command":"true"},"input":"ann/r/fs/D/in"}`
	)
	for _, c := range []struct{ name, first, patch, want string }{
		{"as it was made", clock, `{}`, clock},
		{"a timeout", clock, `{"run":{"timeout":"1h"}}`, `{"name":"n","schedule":"@daily","run":{"command":"true","timeout":"1h"}}`},
		{"in long words", clock, `{"spool":{"run":{"timeout":"1h"}}}`, `{"name":"n","schedule":"@daily","run":{"command":"true","timeout":"1h"}}`},
		{"settings", clock, `{"settings":{"tags":["x"]}}`, `{"name":"n","schedule":"@daily","run":{"command":"true"},"settings":{"tags":["x"]}}`},
		{"an input", clock, `{"input":"ann/r/fs/D/in"}`, `{"name":"n","schedule":"@daily","run":{"command":"true"},"input":"ann/r/fs/D/in"}`},
		{"from the clock to a folder", clock, `{"schedule":null,"input":"ann/r/fs/D/in"}`, folder},
		{"from a folder to the clock", folder, `{"schedule":"@daily","input":null}`, clock},
		{"both", folder, `{"schedule":"@daily"}`, `{"name":"n","schedule":"@daily","run":{"command":"true"},"input":"ann/r/fs/D/in"}`},
		{"no more options", clock[:len(clock)-1] + `,"spool":{"timezone":"UTC"}}`, `{"spool":null,"run":{"timeout":"1h"}}`, `{"name":"n","schedule":"@daily","run":{"command":"true","timeout":"1h"}}`},
		{"a folder's watch", folder, `{"watch":{"recursive":true}}`, `{"name":"n","run":{"command":"true"},"watch":{"recursive":true},"input":"ann/r/fs/D/in"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			j, _ := s.made(ann, c.first)
			if string(j.Parameters) != c.first {
				t.Errorf("made as %s", j.Parameters)
			}
			got := into[nativeJob](t, s.native(http.MethodPatch, "jobs/"+j.ID, ann, c.patch), http.StatusOK)
			same, _ := s.made(ann, c.want)
			if sorted(got.Parameters) != sorted(same.Parameters) || got.Mode != same.Mode {
				t.Errorf("patched it is %s %s\nmade so it is %s %s", got.Mode, got.Parameters, same.Mode, same.Parameters)
			}
			stored := func(id string) string {
				rev, err := s.bus.Job(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				p, err := rev.Event.Job.Plan(nil)
				if err != nil {
					t.Fatal(err)
				}
				return strings.ReplaceAll(p.InputDir.String()+" "+p.OutputDir().String()+" "+p.BinaryPath.String(), id, "<id>")
			}
			if a, b := stored(j.ID), stored(same.ID); a != b {
				t.Errorf("patched it runs %s\nmade so it runs %s", a, b)
			}
		})
	}
	j, tag := s.made(ann, clock)
	wantFault(t, s.native(http.MethodPatch, "jobs/"+j.ID, ann, `{"schedule":null}`), http.StatusBadRequest, "schedule: is required, or input")
	if a := s.native(http.MethodPatch, "jobs/"+j.ID, ann, `{"name":"n","run":{"command":"true"}}`); a.header.Get("ETag") != tag {
		t.Errorf("a patch that changes nothing is an event: %s", a.body)
	}
	if row := s.native(http.MethodGet, "jobs?q=n", ann, ""); !strings.Contains(string(row.body), `"parameters":`+clock) {
		t.Errorf("listed as %s", row.body)
	}
}

// One change of the history has the job as it was, and the patch that brings it back.
func TestHistoryEntry(t *testing.T) {
	s := newHarness(t)
	s.runnerSays("r", events.RunnerState{Host: "h"})
	ann := s.user("ann", events.Operator)
	const first = `{"name":"n","schedule":"@daily","run":{"command":"true","secrets":{"S":"hush"},"timeout":"1h"},"settings":{"tags":["a"]}}`
	j, tag := s.made(ann, first)
	path := "jobs/" + j.ID + "/history/"
	n := strings.Trim(tag, `"`)
	s.native(http.MethodPatch, "jobs/"+j.ID, ann, `{"name":"m","schedule":"0 6 * * *","run":{"timeout":null},"settings":null,"spool":{"timezone":"UTC"}}`)
	a := s.native(http.MethodGet, path+n, ann, "")
	masked := strings.Replace(first, "hush", events.Mask, 1)
	e := into[struct {
		N                   uint64
		Event, Name, Status string
		Parameters, Restore jsonText
	}](t, a, http.StatusOK)
	if e.Event != "created" || e.Name != "n" || e.Status != "ENABLED" || string(e.Parameters) != masked {
		t.Errorf("the entry is %s", a.body)
	}
	now := into[nativeJob](t, s.native(http.MethodPatch, "jobs/"+j.ID, ann, string(e.Restore)), http.StatusOK)
	again := into[struct {
		Changes []dryChange
		Restore jsonText
	}](t, s.native(http.MethodGet, path+n, ann, ""), http.StatusOK)
	if now.Name != "n" || now.Schedule != "@daily" || string(again.Restore) != "{}" {
		t.Errorf("restored by %s it is %s; left to restore is %s", e.Restore, now.Parameters, again.Restore)
	}
	rev, err := s.bus.Job(t.Context(), j.ID)
	if err != nil || len(rev.Event.Job.Secrets) == 0 {
		t.Fatal(err)
	}
	for pointer, sealed := range rev.Event.Job.Secrets {
		if text, err := s.key.Open(sealed, j.ID, pointer); strings.HasSuffix(pointer, "/S") && (err != nil || text != "hush") {
			t.Errorf("the secret is %q, %v", text, err)
		}
	}
	for _, n := range []string{"1000000", "0", "x", "-1", "18446744073709551615"} {
		wantFault(t, s.native(http.MethodGet, path+n, ann, ""), http.StatusNotFound, "no such change")
	}
	wantFault(t, s.native(http.MethodGet, path+n, s.user("bob", events.Operator), ""), http.StatusNotFound, "no such job")
}

// jsonText is JSON as it came.
type jsonText string

func (t *jsonText) UnmarshalJSON(raw []byte) error { *t = jsonText(raw); return nil }

// sorted is JSON with its keys in order.
func sorted(raw []byte) string {
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return err.Error()
	}
	text, _ := json.Marshal(v)
	return string(text)
}
