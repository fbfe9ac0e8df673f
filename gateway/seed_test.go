package gateway_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

// What the documentation's Python examples send, as json.dumps spells it.
const seedCreate = `{"schedule": "@daily", "name": "Daily Job", "flow_parameters": {"auth_token": "<oauth token>", ` +
	`"binary_path": "admin/repo/fs/Instabase Drive/files/flow/flow.ibflowbin", ` +
	`"input_dir": "admin/repo/fs/Instabase Drive/files/flow/input", "verify_ssl_certificate": true, ` +
	`"settings": {"tags": ["tag1"], "runtime_config": {}, "notification_emails": "example@email.com", ` +
	`"webhook_config": {"url": "https://example.com/webhook", "headers": {"Authorization": "Bearer 12345"}}}}}`

// What it shows list_jobs to answer, with the secrets masked.
const seedList = `{
"status": "OK",
"jobs": [{
"job_id": "JOB",
"username": "admin",
"status": "ENABLED",
"name": "Daily Job",
"created_on_ns": "CREATED",
"job_parameters": {
"schedule": "@daily",
"name": "Daily Job",
"flow_parameters": {
"auth_token": "********",
"binary_path": "admin/repo/fs/Instabase Drive/files/flow/flow.ibflowbin",
"input_dir": "admin/repo/fs/Instabase Drive/files/flow/input",
"verify_ssl_certificate": true,
"settings": {
"tags": ["tag1"],
"runtime_config": {},
"notification_emails": "example@email.com",
"webhook_config": {
"url": "https://example.com/webhook",
"headers": {
"Authorization": "********"
}
}
}
}
},
"results": [{
"timeInNS": "1665446403651243100",
"status": "OK",
"http_result": {
"status": "200",
"headers": [{
"key": "Content-Type",
"value": "application/json"
}],
"response": "{\"status\": \"OK\", \"data\": {\"job_id\": \"462eeed8-b051-45c8-8813-8a96d55991f9\", \"output_folder\": \"admin/repo/fs/Instabase Drive/files/flow/out\"}}"
}
}]
}]
}`

func TestSeedExamples(t *testing.T) {
	s := newHarness(t)
	want := func(a answer, body string) {
		t.Helper()
		if a.code != http.StatusOK || a.header.Get("Content-Type") != "application/json" {
			t.Errorf("answer %d %s", a.code, a.header.Get("Content-Type"))
		}
		if diff := cmp.Diff(compact(t, body), compact(t, string(a.body))); diff != "" {
			t.Errorf("answer (-seed +ours):\n%s", diff)
		}
	}

	created := s.send(http.MethodPost, v1Path+"create_job", s.admin, seedCreate)
	id := created.field("job_id")
	if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(id) {
		t.Fatalf("create_job answers %s", created.body)
	}
	want(created, `{"status": "OK", "job_id": "`+id+`"}`)
	byID := fmt.Sprintf(`{"job_id": %q}`, id)

	want(s.send(http.MethodPost, v1Path+"trigger_job", s.admin, byID), `{"status": "OK", "triggered_job": "`+id+`"}`)
	m, found, err := s.bus.Triggers(events.KindManual, id).Last(t.Context())
	if err != nil || !found {
		t.Fatalf("no trigger is queued: %v", err)
	}
	var trigger events.Trigger
	if err := json.Unmarshal(m.Data, &trigger); err != nil {
		t.Fatal(err)
	}
	// The dispatcher's part: the result of that trigger.
	err = s.bus.PutResult(t.Context(), events.Result{
		TriggerID: trigger.ID, JobID: id, Kind: trigger.Kind, EndedNS: 1665446403651243100, Status: events.OK,
		HTTP: events.HTTPResult{
			Status:   "200",
			Headers:  []events.Header{{Key: "Content-Type", Value: "application/json"}},
			Response: `{"status": "OK", "data": {"job_id": "462eeed8-b051-45c8-8813-8a96d55991f9", "output_folder": "admin/repo/fs/Instabase Drive/files/flow/out"}}`,
		},
	})
	if err != nil {
		t.Fatal(err)
	}

	query := "?job_id=" + id + "&username=admin"
	var listed answer
	eventstest.Eventually(t, "the result is listed", func() bool {
		listed = s.send(http.MethodGet, v1Path+"list_jobs"+query, s.admin, "")
		return bytes.Contains(listed.body, []byte("timeInNS"))
	})
	jobs, _ := s.list(s.admin, query)
	want(listed, strings.NewReplacer("JOB", id, "CREATED", jobs[0].CreatedOnNS).Replace(seedList))

	want(s.send(http.MethodPost, v1Path+"disable_job", s.admin, byID), `{"status": "OK", "disabled_jobs": "`+id+`"}`)
	want(s.send(http.MethodPost, v1Path+"enable_job", s.admin, byID), `{"status": "OK", "enabled_jobs": "`+id+`"}`)
	want(s.send(http.MethodPost, v1Path+"delete_job", s.admin, byID), `{"status": "OK", "deleted_jobs": "`+id+`"}`)
}

// compact keeps the order of keys and every literal, so that equal means the same to the byte.
func compact(t *testing.T, s string) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(s)); err != nil {
		t.Fatalf("%v: %s", err, s)
	}
	return b.String()
}

func TestWhatWasSentComesBack(t *testing.T) {
	s := newHarness(t)
	// Every literal here is one that a decoder into Go's types would change.
	sent := `{"zeta":[1,2.50,-0,1e400],"schedul":"@daily","name":"naïve <b>&\u00e9\u2028 job","schedule":"*/5 * * * *",` +
		`"flow_parameters":{"extra":{"b":1,"a":12345678901234567890},"auth_token":"secret-1","input_dir":"/a//r/fs/D/in/",` +
		`"binary_path":"a/r/fs/D/f.ibflowbin","settings":{"z":0.1e-7,"runtime_config":{"n":1.0,"m":9007199254740993},"pipeline_ids":null}},` +
		`"spool":{"timezone":"Europe/Paris","retry_for":"90s"}}`
	a := s.post("create_job", sent)
	wantWarnings := []string{
		`unknown key "zeta"`,
		`unknown key "schedul", did you mean "schedule"?`,
		`unknown key "flow_parameters.extra"`,
	}
	if diff := cmp.Diff(wantWarnings, a.header.Values("Spool-Warning")); diff != "" {
		t.Errorf("Spool-Warning (-want +got):\n%s", diff)
	}
	jobs, _ := s.list(s.admin, "?job_id="+a.field("job_id"))
	if diff := cmp.Diff(strings.Replace(sent, "secret-1", "********", 1), string(jobs[0].Parameters)); diff != "" {
		t.Errorf("job_parameters (-sent +listed):\n%s", diff)
	}
	raw := s.send(http.MethodGet, v1Path+"list_jobs?job_id="+a.field("job_id"), s.admin, "")
	if !bytes.Contains(raw.body, []byte("<b>&")) {
		t.Errorf("the answer is escaped for HTML: %s", raw.body)
	}
	if !strings.Contains(s.log.String(), "schedul") {
		t.Error("the log says nothing of the unknown key")
	}
}
