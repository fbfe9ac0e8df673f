package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"spool.internal/events"
)

// A job can be made without effect, and shadowed: that ends when it is enabled, and not
// before.
func TestMadeDisabled(t *testing.T) {
	s := newHarness(t)
	ann := s.user("ann", events.Operator)
	post := func(status, spool string) answer {
		b := body{}.String()
		return s.native(http.MethodPost, "jobs", ann, `{"status":`+status+`,"spool":`+spool+`,`+b[1:])
	}
	wantFault(t, post(`"off"`, "null"), http.StatusBadRequest, "status: must be ENABLED, the default, or DISABLED")
	for _, c := range []struct {
		name, status, spool string
		want                events.JobStatus
	}{
		{"enabled", `"ENABLED"`, "null", events.Enabled},
		{"disabled", `"DISABLED"`, "null", events.Disabled},
		{"shadowed", "null", `{"shadow":true}`, events.Disabled},
		{"both", `"DISABLED"`, `{"shadow":true,"timezone":"UTC"}`, events.Disabled},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := post(c.status, c.spool)
			j := into[nativeJob](t, a, http.StatusCreated)
			if j.Status != string(c.want) || strings.Contains(string(j.Parameters), "status") {
				t.Fatalf("made %s: %s", j.Status, a.body)
			}
			wantFault(t, s.native(http.MethodPatch, "jobs/"+j.ID, ann, `{"status":"DISABLED"}`), http.StatusBadRequest, "status: ")
			if c.want == events.Enabled {
				wantFault(t, s.native(http.MethodPatch, "jobs/"+j.ID, ann, `{"spool":{"shadow":true}}`), http.StatusConflict, "spool.shadow: is for a disabled job")
				return
			}
			if c.name == "disabled" {
				s.native(http.MethodPatch, "jobs/"+j.ID, ann, `{"spool":{"shadow":true}}`)
			}
			if a := s.native(http.MethodGet, "jobs/"+j.ID, ann, ""); !strings.Contains(string(a.body), `"shadow":true`) {
				t.Errorf("it is not shadowed: %s", a.body)
			}
			a = s.native(http.MethodPost, "jobs/"+j.ID+"/enable", ann, "")
			if j = into[nativeJob](t, a, http.StatusOK); j.Status != string(events.Enabled) || strings.Contains(string(j.Parameters), "shadow") {
				t.Errorf("enabled, it is %s: %s", j.Status, j.Parameters)
			}
		})
	}
}

// @reboot is of v2 alone: v1 has the grammar of the seed.
func TestReboot(t *testing.T) {
	s := newHarness(t)
	ann := s.user("ann", events.Operator)
	job := body{schedule: `"@reboot"`}.String()
	wantRefusal(t, s.send(http.MethodPost, v1Path+"create_job", ann, job), http.StatusOK, "schedule: @reboot is not supported: a schedule runs at times of day only")
	a := s.native(http.MethodPost, "jobs", ann, job)
	j := into[nativeJob](t, a, http.StatusCreated)
	if !strings.Contains(string(a.body), "Once at each start of the machine") || !strings.Contains(string(a.body), `"next_runs":[]`) {
		t.Errorf("it is described as %s", a.body)
	}
	s.native(http.MethodGet, "jobs/"+j.ID+"/slots", ann, "")
	s.native(http.MethodGet, "jobs", ann, "")
	if a = s.native(http.MethodPost, "schedule/preview", ann, `{"schedule":"@reboot"}`); !strings.Contains(string(a.body), "start of the machine") {
		t.Errorf("the preview says %s", a.body)
	}
	s.ok(s.send(http.MethodGet, v1Path+"list_jobs", ann, ""))
}

// A secret that is sent again as it is changes nothing; another one does. Nobody is shown
// what tells them apart.
func TestSameSecretAgain(t *testing.T) {
	s := newHarness(t)
	ann := s.user("ann", events.Operator)
	j := into[nativeJob](t, s.native(http.MethodPost, "jobs", ann, body{token: `"first"`}.String()), http.StatusCreated)
	changes := func() int {
		a := s.native(http.MethodGet, "jobs/"+j.ID+"/history", ann, "")
		return strings.Count(string(a.body), `"event"`)
	}
	for _, c := range []struct {
		token string
		want  int
	}{{"first", 1}, {"second", 2}, {"second", 2}, {events.Mask, 2}, {"second", 2}, {"first", 3}} {
		a := s.native(http.MethodPatch, "jobs/"+j.ID, ann, `{"flow_parameters":{"auth_token":"`+c.token+`"}}`)
		if n := changes(); n != c.want || a.code != http.StatusOK {
			t.Errorf("after %s there are %d changes, want %d: %s", c.token, n, c.want, a.body)
		}
		if strings.Contains(string(a.body), "sums") {
			t.Errorf("shown: %s", a.body)
		}
	}
}
