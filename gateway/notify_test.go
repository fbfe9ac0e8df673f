package gateway_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"spool.internal/events"
)

// withSpool gives the body of a job with this object spool.
func withSpool(spool string, automatic bool) string {
	settings := "{}"
	if automatic {
		settings = `{"spooled_mode":true}`
	}
	b := body{settings: settings}.String()
	return strings.TrimSuffix(strings.TrimSpace(b), "}") + `,"spool":` + spool + `}`
}

// The URLs of notify and of the heartbeat are kept and shown as that of a webhook is.
func TestURLsOfNotify(t *testing.T) {
	s := newHarness(t)
	ann, eve := s.user("ann", events.Operator), s.user("ann", events.Viewer)
	const sent = `{"notify":{"on":["failed"],"to":{"webhook":"https://hooks.chat.example/T0-s3cret?k=q-s3cret","format":"slack"}},"heartbeat":"https:\/\/hc.example\/b-s3cret"}`
	const shown = `{"notify":{"on":["failed"],"to":{"webhook":"https://hooks.chat.example/T0-s3cret?********","format":"slack"}},"heartbeat":"https:\/\/hc.example\/b-s3cret"}`
	const public = `{"notify":{"on":["failed"],"to":{"webhook":"https://hooks.chat.example","format":"slack"}},"heartbeat":"https://hc.example"}`
	id := s.ok(s.send(http.MethodPost, v1Path+"create_job", ann, withSpool(sent, false))).field("job_id")
	see := func(token, want string) json.RawMessage {
		t.Helper()
		var one struct {
			Parameters struct{ Spool json.RawMessage }
			Conditions []any
		}
		a := s.native(http.MethodGet, "jobs/"+id, token, "")
		if err := json.Unmarshal(a.body, &one); err != nil || string(one.Parameters.Spool) != want || one.Conditions == nil {
			t.Errorf("shown %d %s; want %s", a.code, a.body, want)
		}
		return one.Parameters.Spool
	}
	see(ann, shown)
	see(s.admin, shown)
	see(eve, public)
	list, _ := s.list(eve, "?job_id="+id)
	if strings.Contains(string(list[0].Parameters), "s3cret") {
		t.Errorf("list_jobs shows a viewer %s", list[0].Parameters)
	}
	revealed := func() *events.Parameters {
		t.Helper()
		rev, err := s.bus.Job(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if text := string(events.Encode(rev.Event)); strings.Contains(text, "s3cret") {
			t.Errorf("stored: %s", text)
		}
		for _, p := range []string{events.NotifyURLPointer, events.HeartbeatPointer} {
			if hook := rev.Event.Job.URLs[p]; hook == nil || hook.Role != "operator" || rev.Event.Job.PrivateURL(p) {
				t.Errorf("%s is kept as %+v", p, hook)
			}
		}
		p, err := rev.Event.Job.Reveal(s.key.Open)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	if p := revealed(); p.Options.Notify.Webhook != "https://hooks.chat.example/T0-s3cret?k=q-s3cret" || p.Options.Heartbeat != "https://hc.example/b-s3cret" {
		t.Errorf("revealed %+v", p.Options.Notifying)
	}
	// What was shown, sent back, changes nothing; a mask of nothing is refused.
	for patch, code := range map[string]int{
		`{"spool":` + shown + `}`: http.StatusOK,
		`{"spool":{"notify":{"to":{"webhook":"https://hooks.chat.example/other?********"}}}}`: http.StatusBadRequest,
		`{"spool":{"heartbeat":"https://hc.example/other/********"}}`:                         http.StatusBadRequest,
	} {
		if a := s.native(http.MethodPatch, "jobs/"+id, ann, patch); a.code != code {
			t.Errorf("%s: %d %s", patch, a.code, a.body)
		}
	}
	if p := revealed(); p.Options.Notify.Webhook != "https://hooks.chat.example/T0-s3cret?k=q-s3cret" {
		t.Errorf("after the patch %+v", p.Options.Notifying)
	}
	if a := s.native(http.MethodPatch, "jobs/"+id, ann, `{"spool":{"heartbeat":null}}`); a.code != http.StatusOK {
		t.Errorf("%d %s", a.code, a.body)
	}
	rev, err := s.bus.Job(t.Context(), id)
	if err != nil || rev.Event.Job.URLs[events.HeartbeatPointer] != nil || rev.Event.Job.Secrets[events.HeartbeatPointer] != "" {
		t.Errorf("kept of a heartbeat that is gone: %+v %v", rev.Event.Job.URLs, err)
	}
	s.nowhere("s3cret")
}

// What could never be told is refused, with what to write instead.
func TestNotifyIsRefused(t *testing.T) {
	s := newHarness(t)
	ann := s.user("ann", events.Operator)
	const to = `"to":{"mail":"ann@example.com"}`
	for _, c := range []struct {
		spool     string
		automatic bool
		says      string // "" = it is taken
	}{
		{`{"notify":{` + to + `}}`, false, ""},
		{`{"notify":{` + to + `},"late_after":"30m","too_long_after":"2h"}`, false, ""},
		{`{"notify":{` + to + `},"expect":{"by":"10:00","days":"mon-fri","files":3}}`, true, ""},
		{`{"notify":{"on":["failed"]}}`, false, "spool.notify.to: is required"},
		{`{"notify":{"to":{}}}`, false, "spool.notify.to: names nobody"},
		{`{"notify":{"on":["fail"],` + to + `}}`, false, `spool.notify.on: "fail" is not one of failed, recovered`},
		{`{"notify":{"on":[],` + to + `}}`, false, "spool.notify.on: is empty"},
		{`{"notify":{"on":["too_long"],` + to + `}}`, false, "too_long needs too_long_after"},
		{`{"notify":{"on":["late"],` + to + `}}`, true, "late needs expect"},
		{`{"notify":{"on":["missed"],` + to + `}}`, true, "missed is for jobs with a schedule"},
		{`{"notify":{"on":["blocked"],` + to + `}}`, false, "blocked is for jobs in automatic mode"},
		{`{"notify":{"to":{"mail":"nobody"}}}`, false, "spool.notify.to.mail: "},
		{`{"notify":{"to":{"webhook":"ftp://x"}}}`, false, "spool.notify.to.webhook: must be an http or https URL"},
		{`{"notify":{"to":{"mail":"a@b.example","format":"slack"}}}`, false, "spool.notify.to.format: is that of a webhook"},
		{`{"notify":{"to":{"webhook":"https://x.example/p","format":"discord"}}}`, false, `"discord" is not one of json, slack, teams, ntfy`},
		{`{"notify":{"to":{"webhook":"https://x.example/********"}}}`, false, "spool.notify.to.webhook: has the mask in it"},
		{`{"heartbeat":"https://x.example/?********"}`, false, "spool.heartbeat: has the mask in it"},
		{`{"expect":{"by":"10:00"}}`, true, "spool.expect: tells nobody"},
		{`{"late_after":"1m"}`, false, "spool.late_after: tells nobody"},
		{`{"too_long_after":"1m"}`, false, "spool.too_long_after: tells nobody"},
		{`{"too_long_after":"0s","notify":{` + to + `}}`, false, "spool.too_long_after: is 0"},
		{`{"notify":{` + to + `},"expect":{"by":"10:00"}}`, false, "spool.expect: is for jobs in automatic mode"},
		{`{"notify":{` + to + `},"late_after":"1m"}`, true, "spool.late_after: is for jobs with a schedule"},
		{`{"notify":{` + to + `},"expect":{"by":"25:00"}}`, true, `spool.expect.by: \"25:00\" is not a time of day`},
		{`{"notify":{` + to + `},"expect":{"by":"10:00","days":"mo-fr"}}`, true, `spool.expect.days: \"mo-fr\" is not a list of days`},
		{`{"notify":{` + to + `,"when":"now"}}`, false, "spool.notify.when"},
	} {
		for _, path := range []string{v1Path + "create_job", "/api/v2/jobs"} {
			a := s.send(http.MethodPost, path, ann, withSpool(c.spool, c.automatic))
			text := strings.ReplaceAll(string(a.body), `","detail":"`, ": ")
			switch {
			case c.says == "" && a.code/100 != 2:
				t.Errorf("%s %s: %d %s", path, c.spool, a.code, a.body)
			case c.says != "" && (a.code == http.StatusCreated || strings.Contains(text, `"status":"OK"`)):
				t.Errorf("%s %s is taken", path, c.spool)
			case c.says != "" && path[5:7] == "v1" && !strings.Contains(text, c.says) && !strings.Contains(text, strings.ReplaceAll(c.says, `"`, `\"`)):
				t.Errorf("%s %s: says %s", path, c.spool, a.body)
			}
		}
	}
}

// The state of a job is shown with the notices of it that were given up.
func TestConditionsAreShown(t *testing.T) {
	s := newHarness(t)
	ann := s.user("ann", events.Operator)
	id := s.ok(s.send(http.MethodPost, v1Path+"create_job", ann, withSpool(`{"notify":{"to":{"mail":"ann@example.com"}}}`, false))).field("job_id")
	now := time.Now().UTC()
	for seq, state := range []events.Condition{events.Failed, events.Dead} {
		if err := s.bus.PutCondition(t.Context(), events.Notification{JobID: id, About: events.AboutRun, State: state, At: now, Message: "exit status 3"}, uint64(seq)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.bus.PutUndeliverable(t.Context(), events.Undeliverable{JobID: id, About: events.AboutRun, Of: 2, Channel: "email", At: now, Message: "refused"}); err != nil {
		t.Fatal(err)
	}
	var one struct {
		Conditions []struct {
			About, State, Message string
			Undelivered           []struct{ Channel, Message string }
		}
	}
	a := s.native(http.MethodGet, "jobs/"+id, ann, "")
	if err := json.Unmarshal(a.body, &one); err != nil || len(one.Conditions) != 1 || one.Conditions[0].State != "dead" || one.Conditions[0].Message != "exit status 3" ||
		len(one.Conditions[0].Undelivered) != 1 || one.Conditions[0].Undelivered[0].Message != "refused" {
		t.Errorf("shown %s", a.body)
	}
}
