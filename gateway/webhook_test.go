package gateway_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"spool.internal/events"
	"spool.internal/gateway"
)

// hookOf gives the settings of a job with a webhook.
func hookOf(url, headers string) string {
	return `{"webhook_config":{"url":"` + url + `","headers":{` + headers + `}}}`
}

// urlIn finds the spelling of a webhook's URL in an answer.
func urlIn(t testing.TB, parameters json.RawMessage) string {
	t.Helper()
	o, err := events.ParseObject(parameters)
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := events.URLAt(o, events.WebhookURLPointer)
	return strings.Trim(string(raw), `"`)
}

// seen gives the URL of the webhook of a job as each way of asking shows it.
func (s *harness) seen(token, id string) map[string]string {
	s.t.Helper()
	found := map[string]string{}
	list, _ := s.list(token, "?job_id="+id)
	found["list_jobs"] = urlIn(s.t, list[0].Parameters)
	var one struct{ Parameters json.RawMessage }
	var many struct {
		Jobs []struct {
			ID         string `json:"job_id"`
			Parameters json.RawMessage
		}
	}
	for path, v := range map[string]any{"jobs/" + id: &one, "jobs": &many} {
		if a := s.native(http.MethodGet, path, token, ""); a.code != http.StatusOK || json.Unmarshal(a.body, v) != nil {
			s.t.Fatalf("%s: %d %s", path, a.code, a.body)
		}
	}
	found["jobs/{id}"] = urlIn(s.t, one.Parameters)
	for _, j := range many.Jobs {
		if j.ID == id {
			found["jobs"] = urlIn(s.t, j.Parameters)
		}
	}
	return found
}

// Those who may change a job see where its webhook goes, but for userinfo and
// query; viewers and events see the origin.
func TestWhoSeesWhichURL(t *testing.T) {
	s := newHarness(t)
	ann, eve, other := s.user("ann", events.Operator), s.user("ann", events.Viewer), s.user("ann", events.Operator)
	live := s.subscribe(eve, "?type=job")
	for i, c := range []struct{ sent, operator, viewer string }{
		{"https://hooks.chat.example/services/T0-s3cret/XYZ", "https://hooks.chat.example/services/T0-s3cret/XYZ", "https://hooks.chat.example"},
		{`https:\/\/h.example\/T0-s3cret`, `https:\/\/h.example\/T0-s3cret`, "https://h.example"}, // spelled as it was sent
		{"http://ann:s3cret@127.0.0.1:9/x", "http://127.0.0.1:9/x?********", "http://127.0.0.1:9"},
		{"https://s3cret@h.example", "https://h.example?********", "https://h.example"},
		{"https://h.example/p?key=s3cret", "https://h.example/p?********", "https://h.example"},
		{"https://h.example?s3cret", "https://h.example?********", "https://h.example"},
		{"https://u:s3cret@[::1]:8443/a%2Fb?c=s3cret#f", "https://[::1]:8443/a%2Fb?********", "https://[::1]:8443"},
		{"https://h.example/#s3cret", "https://h.example/#s3cret", "https://h.example"},
		{"https://h.example/%73cret-s3cret", "https://h.example/%73cret-s3cret", "https://h.example"},
		{"https://h.example/", "https://h.example/", "https://h.example/"},
		{"https://H.example:8443", "https://H.example:8443", "https://H.example:8443"},
	} {
		job := body{name: fmt.Sprintf(`"job %d"`, i), settings: hookOf(c.sent, "")}.String()
		id := s.ok(s.send(http.MethodPost, v1Path+"create_job", ann, job)).field("job_id")
		for who, want := range map[string]string{ann: c.operator, other: c.operator, s.admin: c.operator, eve: c.viewer} {
			query := ""
			if who == s.admin {
				query = "&username=*"
			}
			list, _ := s.list(who, "?job_id="+id+query)
			if got := urlIn(t, list[0].Parameters); got != want {
				t.Errorf("%s: list_jobs shows %s; want %s", c.sent, got, want)
			}
			if who == s.admin {
				continue
			}
			for where, got := range s.seen(who, id) {
				if got != want {
					t.Errorf("%s: %s shows %s; want %s", c.sent, where, got, want)
				}
			}
		}
		for line := range live {
			if !strings.Contains(line, id) {
				continue
			}
			if strings.Contains(line, "s3cret") || strings.Contains(line, `"webhook":`) || !strings.Contains(line, `"url":"`+c.viewer+`"`) {
				t.Errorf("%s: the event is %s", c.sent, line)
			}
			break
		}
		rev, err := s.bus.Job(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if text := string(events.Encode(rev.Event)); strings.Contains(text, "s3cret") {
			t.Errorf("%s: the store has %s", c.sent, text)
		}
		var plain string
		if err := json.Unmarshal([]byte(`"`+c.sent+`"`), &plain); err != nil {
			t.Fatal(err)
		}
		p, err := rev.Event.Job.Reveal(s.key.Open)
		if err != nil || p.Webhook.URL != plain {
			t.Errorf("%s: the dispatcher finds %q, %v", c.sent, p.Webhook.URL, err)
		}
	}
	s.nowhere("s3cret")
}

// nowhere looks through the log and the broker's files.
func (s *harness) nowhere(secrets ...string) {
	s.t.Helper()
	s.broker.Shutdown() // so that all is in the files
	s.broker.WaitForShutdown()
	var stored bytes.Buffer
	if err := filepath.WalkDir(s.store, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		stored.Write(data)
		return err
	}); err != nil || stored.Len() == 0 {
		s.t.Fatalf("the broker's files: %d bytes, %v", stored.Len(), err)
	}
	for _, secret := range secrets {
		for where, text := range map[string]string{"the log": s.log.String(), "the broker": stored.String()} {
			if strings.Contains(text, secret) {
				s.t.Errorf("%s holds %s", where, secret)
			}
		}
	}
}

func TestMaskedURLsAreRefused(t *testing.T) {
	s := newHarness(t)
	ann := s.user("ann", events.Operator)
	j, _ := s.made(ann, body{settings: hookOf("https://h.example/p?key=s3cret", "")}.String())
	for _, masked := range []string{
		"https://h.example/p?********", "https://other.example/?********", "https://********@h.example/", "https://h.example/********",
		"https://h.example/p?%2A%2A%2A%2A%2A%2A%2A%2A", "https://h.example/p?key=********&x=1",
	} {
		for where, a := range map[string]answer{
			"create_job": s.send(http.MethodPost, v1Path+"create_job", ann, body{settings: hookOf(masked, "")}.String()),
			"jobs":       s.native(http.MethodPost, "jobs", ann, body{settings: hookOf(masked, "")}.String()),
			"PATCH":      s.native(http.MethodPatch, "jobs/"+j.ID, ann, `{"flow_parameters":{"settings":`+hookOf(masked, "")+`}}`),
		} {
			if where == "PATCH" && masked == "https://h.example/p?********" {
				if a.code != http.StatusOK { // the URL as it was shown: it stays
					t.Errorf("PATCH with what was shown: %d %s", a.code, a.body)
				}
				continue
			}
			if !strings.Contains(string(a.body), "flow_parameters.settings.webhook_config.url") || strings.Contains(string(a.body), "h.example") {
				t.Errorf("%s with %s: %d %s", where, masked, a.code, a.body)
			}
		}
	}
	rev, err := s.bus.Job(t.Context(), j.ID)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := rev.Event.Job.Reveal(s.key.Open); err != nil || p.Webhook.URL != "https://h.example/p?key=s3cret" {
		t.Errorf("the URL is %q now, %v", p.Webhook.URL, err)
	}
}

// What was given for one origin is not sent to another.
func TestHeadersDoNotFollowTheirURL(t *testing.T) {
	s := newHarness(t)
	ann := s.user("ann", events.Operator)
	const hidden, field = `"X-Key":"k3y-value","X-Two":"two"`, "flow_parameters.settings.webhook_config.headers.X-"
	patch := func(id, hook string) answer {
		return s.native(http.MethodPatch, "jobs/"+id, ann, `{"flow_parameters":{"settings":{"webhook_config":`+hook+`}}}`)
	}
	for to, refused := range map[string]bool{
		"https://evil.example/p":             true,
		"http://h.example/p":                 true, // in clear
		"https://h.example:8443/p":           true,
		"https://h.example.evil.example/p":   true,
		"https://h.example@evil.example/p":   true,
		"https://sub.h.example/":             true,
		"https://h.example/other?x=1":        false,
		"https://H.EXAMPLE:443/other":        false,
		"https://ann:pass@h.example/private": false,
	} {
		j, _ := s.made(ann, body{settings: hookOf("https://h.example/p?key=s3cret", hidden)}.String())
		a := patch(j.ID, `{"url":"`+to+`"}`)
		if refused {
			wantFault(t, a, http.StatusBadRequest, field)
			wantFault(t, patch(j.ID, `{"url":"`+to+`","headers":{"X-Two":"new"}}`), http.StatusBadRequest, field+"Key: was not given for the host")
			wantFault(t, patch(j.ID, `{"url":"`+to+`","headers":{"X-Key":"********","X-Two":null}}`), http.StatusBadRequest, field+"Key")
			// Nor in two steps.
			into[nativeJob](t, patch(j.ID, `{"url":null}`), http.StatusOK)
			wantFault(t, patch(j.ID, `{"url":"`+to+`"}`), http.StatusBadRequest, field)
			into[nativeJob](t, patch(j.ID, `{"url":"`+to+`","headers":{"X-Key":"new","X-Two":null}}`), http.StatusOK)
		} else {
			into[nativeJob](t, a, http.StatusOK)
		}
		rev, err := s.bus.Job(t.Context(), j.ID)
		if err != nil {
			t.Fatal(err)
		}
		p, err := rev.Event.Job.Reveal(s.key.Open)
		if err != nil || p.Webhook.URL != to || (p.Webhook.Headers[0].Value == "k3y-value") == refused {
			t.Errorf("%s: revealed %+v, %v", to, p.Webhook, err)
		}
	}
}

// Whose token set the URL decides where it may go, until another sets it.
func TestWhoseURL(t *testing.T) {
	s := newHarness(t)
	ann := s.user("ann", events.Operator)
	j, _ := s.made(ann, body{settings: hookOf("https://h.example/p", `"Host":"h"`)}.String())
	shown := func(url string) string {
		return `{"flow_parameters":{"settings":{"webhook_config":{"url":"` + url + `"}}}}`
	}
	for _, step := range []struct{ token, patch, want string }{
		{s.admin, `{"name":"other"}`, "operator"},
		{s.admin, shown("https://h.example/p"), "operator"}, // what was there was shown back
		{s.admin, shown("https://h.example/q?x=1"), "admin"},
		{ann, `{"name":"another"}`, "admin"},
		{ann, shown("https://h.example/q?********"), "admin"},
		{ann, `{"flow_parameters":{"settings":{"webhook_config":{"headers":{"X-A":"b"}}}}}`, "admin"},
		{ann, `{"flow_parameters":{"settings":{"webhook_config":{"headers":{"Host":"inner"}}}}}`, "operator"}, // another machine behind the address
		{s.admin, shown("https://h.example/r"), "admin"},
		{ann, shown("https://h.example/s"), "operator"},
		{s.admin, shown("https://h.example/t"), "admin"},
		{ann, shown("https://h.example/"), "operator"},
		{s.admin, shown("https://h.example/u"), "admin"},
		{ann, `{"flow_parameters":{"settings":{"webhook_config":{"url":null}}}}`, ""},
		{ann, `{"flow_parameters":{"settings":{"webhook_config":{"url":"https://h.example/u","headers":null}}}}`, "operator"},
	} {
		into[nativeJob](t, s.native(http.MethodPatch, "jobs/"+j.ID, step.token, step.patch), http.StatusOK)
		rev, err := s.bus.Job(t.Context(), j.ID)
		if err != nil {
			t.Fatal(err)
		}
		role := ""
		if hook := rev.Event.Job.Webhook; hook != nil {
			role = string(hook.Role)
		}
		if role != step.want {
			t.Errorf("after %s: the URL counts as set by %q; want %q", step.patch, role, step.want)
		}
	}
	type entry struct{ Changed []string }
	var history struct{ History []entry }
	if err := json.Unmarshal(s.native(http.MethodGet, "jobs/"+j.ID+"/history", ann, "").body, &history); err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, e := range history.History {
		named += strings.Count(strings.Join(e.Changed, " "), "webhook_config.url")
	}
	if named != 8 {
		t.Errorf("the history names the URL %d times: %v", named, history.History)
	}
}

// A job that was stored before URLs were sealed works on, shows no more than
// others, and is sealed when it is changed.
func TestJobOfBefore(t *testing.T) {
	s := newHarness(t)
	ann, eve := s.user("ann", events.Operator), s.user("ann", events.Viewer)
	const id, old = "5a9b3b52-0c1d-4a6e-9f4b-6d8f1f6c0c11", "https://u:s3cret@h.example/p?k=s3cret"
	token, err := s.key.Public.Seal("t", id, events.TokenPointer)
	if err != nil {
		t.Fatal(err)
	}
	parameters := body{token: `"********"`, settings: hookOf(old, "")}.String()
	ev := events.JobEvent{Event: events.JobCreated, Job: events.Job{
		ID: id, Username: "ann", Name: "old", Status: events.Enabled, Parameters: json.RawMessage(parameters),
		Secrets: map[string]string{events.TokenPointer: token},
	}}
	live := s.subscribe(eve, "?type=job")
	if _, err := s.bus.PutJob(t.Context(), ev, 0); err != nil {
		t.Fatal(err)
	}
	for line := range live {
		if strings.Contains(line, id) {
			if strings.Contains(line, "s3cret") {
				t.Errorf("the event is %s", line)
			}
			break
		}
	}
	for who, want := range map[string]string{ann: "https://h.example/p?********", eve: "https://h.example"} {
		for where, got := range s.seen(who, id) {
			if got != want {
				t.Errorf("%s shows %s; want %s", where, got, want)
			}
		}
	}
	for _, patch := range []string{`{"name":"new"}`, `{"name":"newer","flow_parameters":{"settings":` + hookOf("https://h.example/p?********", "") + `}}`} {
		into[nativeJob](t, s.native(http.MethodPatch, "jobs/"+id, ann, patch), http.StatusOK)
		rev, err := s.bus.Job(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if text := string(events.Encode(rev.Event)); strings.Contains(text, "s3cret") {
			t.Errorf("after a change the store has %s", text)
		}
		p, err := rev.Event.Job.Reveal(s.key.Open)
		if err != nil || p.Webhook.URL != old || rev.Event.Job.Webhook.Role != "" {
			t.Errorf("the URL is %q of %q, %v", p.Webhook.URL, rev.Event.Job.Webhook.Role, err)
		}
	}
}

func TestMailDomains(t *testing.T) {
	s := newHarness(t, withConfig(func(c *gateway.Config) { c.MailDomains = events.MailDomains{"example.com", ".corp.example"} }))
	ann := s.user("ann", events.Operator)
	mail := func(to string) string { return `{"notification_emails":` + to + `}` }
	j, _ := s.made(ann, body{settings: mail(`"a@example.com, b@EXAMPLE.com, c@x.corp.example"`)}.String())
	for _, to := range []string{
		`"x@evil.example"`, `["a@example.com","x@evil.example"]`, `"x@sub.example.com"`, `"x@corp.example"`, `"x@notexample.com"`, `"\"a@example.com\"@evil.example"`,
		`"x@[127.0.0.1]"`,
	} {
		create := body{settings: mail(to)}.String()
		wantError(t, s.send(http.MethodPost, v1Path+"create_job", ann, create), "flow_parameters.settings.notification_emails: ")
		wantFault(t, s.native(http.MethodPost, "jobs", ann, create), http.StatusBadRequest, "flow_parameters.settings.notification_emails: ")
		wantFault(t, s.native(http.MethodPatch, "jobs/"+j.ID, s.admin, `{"flow_parameters":{"settings":`+mail(to)+`}}`), http.StatusBadRequest, "notification_emails: ")
	}
}
