package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"spool.internal/events"
)

// body builds a create body out of its parts, so that a case shows only what is wrong in it.
type body struct{ name, schedule, token, binary, input, verify, settings, extra string }

func (b body) String() string {
	or := func(s, def string) string {
		if s == "" {
			return def
		}
		return s
	}
	return `{"name":` + or(b.name, `"n"`) + `,"schedule":` + or(b.schedule, `"@daily"`) +
		`,"flow_parameters":{"auth_token":` + or(b.token, `"t"`) +
		`,"binary_path":` + or(b.binary, `"a/r/fs/D/f.ibflowbin"`) +
		`,"input_dir":` + or(b.input, `"a/r/fs/D/in"`) +
		`,"verify_ssl_certificate":` + or(b.verify, `true`) +
		`,"settings":` + or(b.settings, `{}`) + `}` + b.extra + `}`
}

func TestCreateRefuses(t *testing.T) {
	s := newHarness(t)
	hook := func(headers string) string { return `{"webhook_config":{"headers":` + headers + `}}` }
	for _, c := range []struct{ name, body, msg string }{
		{"empty body", "", "the body is empty"},
		{"blank body", " \n", "the body is empty"},
		{"not JSON", "name=x", "the body is not JSON"},
		{"cut off", `{"name":"x"`, "the body is not JSON"},
		{"two values", body{}.String() + "{}", "one value"},
		{"a list", "[]", "must be a JSON object"},
		{"null", "null", "must be a JSON object"},
		{"NUL", "\x00" + body{}.String(), "the body is not JSON"},
		{"invalid UTF-8", body{name: "\"\xff\""}.String(), "not valid UTF-8"},
		{"nesting 65", body{extra: `,"deep":` + strings.Repeat("[", 64) + strings.Repeat("]", 64)}.String(), "deeper than 64"},
		{"a key twice", body{extra: `,"name":"m"`}.String(), "name: the key stands twice"},
		{"a key twice below", body{settings: `{"tags":[],"tags":[]}`}.String(), "flow_parameters.settings.tags: the key stands twice"},

		{"no name", `{"schedule":"@daily","flow_parameters":{}}`, "name: is required"},
		{"name null", body{name: "null"}.String(), "name: is required"},
		{"name a number", body{name: "7"}.String(), "name: must be a string, not a number"},
		{"a form", "name=x&schedule=y", "the body is not JSON but a form: send one JSON object"},
		{"name of blanks", body{name: `"  "`}.String(), "name: consists of blanks"},
		{"name with NUL", body{name: `"a\u0000b"`}.String(), "name: has a NUL character"},
		{"a long name", body{name: `"` + strings.Repeat("x", 256) + `"`}.String(), "name: has 256 characters"},
		{"name empty", body{name: `""`}.String(), "name: must not be empty"},
		{"no flow_parameters", `{"name":"n","schedule":"@daily"}`, "flow_parameters: is required"},
		{"flow_parameters a list", `{"name":"n","schedule":"@daily","flow_parameters":[]}`, "flow_parameters: must be an object, not a list"},

		{"no schedule", body{schedule: "null"}.String(), "schedule: is required"},
		{"schedule a number", body{schedule: "5"}.String(), "schedule: must be a string"},
		{"schedule empty", body{schedule: `""`}.String(), "schedule: must not be empty"},
		{"minute 75", body{schedule: `"75 * * * *"`}.String(), "schedule: "},
		{"six fields", body{schedule: `"0 0 * * * *"`}.String(), "schedule: "},
		{"@reboot", body{schedule: `"@reboot"`}.String(), "schedule: "},
		{"@every", body{schedule: `"@every 5m"`}.String(), "schedule: "},
		{"a zone inside", body{schedule: `"TZ=UTC 0 0 * * *"`}.String(), "schedule: "},
		{"February 30", body{schedule: `"0 0 30 2 *"`}.String(), "schedule: "},

		{"no auth_token", body{token: "null"}.String(), "flow_parameters.auth_token: is required"},
		{"auth_token an object", body{token: "{}"}.String(), "flow_parameters.auth_token: must be a string, not an object"},
		{"the mask as auth_token", body{token: `"********"`}.String(), "flow_parameters.auth_token: is the mask that list_jobs shows, not a secret: send the secret itself"},
		{"the mask as a header", body{settings: hook(`{"X-Key":"********"}`)}.String(), "headers.X-Key: is the mask"},

		{"binary_path with ..", body{binary: `"a/r/fs/D/../f"`}.String(), `flow_parameters.binary_path: contains ".."`},
		{"input_dir with NUL", body{input: `"a/r/fs/D/\u0000"`}.String(), "flow_parameters.input_dir: contains a NUL"},
		{"input_dir 5,000 bytes", body{input: `"a/r/fs/D/` + strings.Repeat("x", 5000) + `"`}.String(), "flow_parameters.input_dir: is 5009 bytes long"},
		{"input_dir a drive", body{input: `"a/r/fs/D/"`}.String(), "flow_parameters.input_dir: is the root of a drive"},
		{"input_dir no drive", body{input: `"/tmp/in"`}.String(), "flow_parameters.input_dir: must have the form"},
		{"input_dir a boolean", body{input: "true"}.String(), "flow_parameters.input_dir: must be a string"},

		{"verify a string", body{verify: `"yes"`}.String(), "flow_parameters.verify_ssl_certificate: must be true or false"},
		{"settings a string", body{settings: `"x"`}.String(), "flow_parameters.settings: must be an object"},
		{"spooled_mode a number", body{settings: `{"spooled_mode":1}`}.String(), "flow_parameters.settings.spooled_mode: must be true or false"},
		{"tags a string", body{settings: `{"tags":"x"}`}.String(), "flow_parameters.settings.tags: must be a list of strings"},
		{"tags of numbers", body{settings: `{"tags":[1]}`}.String(), "flow_parameters.settings.tags: must be a list of strings"},
		{"runtime_config a list", body{settings: `{"runtime_config":[]}`}.String(), "flow_parameters.settings.runtime_config: must be an object"},
		{"webhook_config a string", body{settings: `{"webhook_config":"x"}`}.String(), "flow_parameters.settings.webhook_config: must be an object"},
		{"webhook ftp", body{settings: `{"webhook_config":{"url":"ftp://x/y"}}`}.String(), "flow_parameters.settings.webhook_config.url: must be an http or https URL"},
		{"webhook header name", body{settings: hook(`{"X A":"v"}`)}.String(), "webhook_config.headers.X A: is not the name of an HTTP header"},
		{"webhook header value", body{settings: hook(`{"X-A":"v\r\nX-B: w"}`)}.String(), "webhook_config.headers.X-A: has a value that no HTTP header can hold"},
		{"webhook header a number", body{settings: hook(`{"X-A":1}`)}.String(), "webhook_config.headers.X-A: must be a string"},
		{"too many webhook headers", body{settings: hook(`{` + strings.TrimSuffix(manyHeaders(101), ",") + `}`)}.String(), "headers: has 101 headers; at most 100"},
		{"an address that is none", body{settings: `{"notification_emails":"a@b.c, nobody"}`}.String(), `notification_emails: "nobody" is not an e-mail address`},
		{"addresses a number", body{settings: `{"notification_emails":7}`}.String(), "notification_emails: must be a list of strings"},

		{"spool a string", body{extra: `,"spool":"x"`}.String(), "spool: must be an object"},
		{"an unknown zone", body{extra: `,"spool":{"timezone":"Mars/Olympus"}`}.String(), "spool.timezone: "},
		{"an unknown policy", body{extra: `,"spool":{"catch_up":"some"}`}.String(), `spool.catch_up: "some" is not one of latest, none, all`},
		{"skip in automatic mode", body{settings: `{"spooled_mode":true}`, extra: `,"spool":{"overlap":"skip"}`}.String(), "spool.overlap: "},
		{"retry for ever", body{extra: `,"spool":{"retry_for":"169h"}`}.String(), "spool.retry_for: "},
		{"no concurrency", body{extra: `,"spool":{"max_concurrency":0}`}.String(), "spool.max_concurrency: "},
		{"an unknown key inside", body{extra: `,"spool":{"timezon":"UTC"}`}.String(), "spool.timezon: is not a key of spool"},
		{"results into the watched folder", body{settings: `{"spooled_mode":true,"output_dir":"a/r/fs/D/in/out"}`}.String(), "output_dir: lies inside the watched folder"},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantError(t, s.send(http.MethodPost, v1Path+"create_job", s.admin, c.body), c.msg)
		})
	}
	if jobs, _ := s.list(s.admin, ""); len(jobs) > 0 {
		t.Errorf("%d jobs were created", len(jobs))
	}
}

func manyHeaders(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(`"X-` + strings.Repeat("a", i+1) + `":"v",`)
	}
	return b.String()
}

// wantError wants a handled ERROR whose msg contains the text and nothing of the inside.
func wantError(t *testing.T, a answer, msg string) {
	t.Helper()
	if a.code != http.StatusOK || a.status() != "ERROR" || !strings.Contains(a.msg(), msg) {
		t.Errorf("answer %d %s; want ERROR with %q", a.code, a.body, msg)
	}
	for _, inside := range []string{"publish", "goroutine", "json:", "JetStream", ".go"} {
		if strings.Contains(a.msg(), inside) {
			t.Errorf("msg %q shows something internal", a.msg())
		}
	}
}

func TestCreateAccepts(t *testing.T) {
	s := newHarness(t)
	for name, b := range map[string]string{
		"no settings":               `{"name":"n","schedule":"@daily","flow_parameters":{"auth_token":"t","binary_path":"a/r/fs/D/f","input_dir":"a/r/fs/D/in"}}`,
		"every optional key null":   body{verify: "null", settings: "null", extra: `,"spool":null`}.String(),
		"automatic, no schedule":    body{schedule: "null", settings: `{"spooled_mode":true}`}.String(),
		"automatic, any schedule":   body{schedule: `{"x":[]}`, settings: `{"spooled_mode":true}`}.String(),
		"a leading slash":           body{input: `"/a/r/fs/D/in/"`}.String(),
		"addresses in a list":       body{settings: `{"notification_emails":["a@b.c"]}`}.String(),
		"no address":                body{settings: `{"notification_emails":""}`}.String(),
		"webhook headers, no url":   body{settings: `{"webhook_config":{"headers":{}}}`}.String(),
		"nesting 64":                body{extra: `,"deep":` + strings.Repeat("[", 63) + strings.Repeat("]", 63)}.String(),
		"256 KiB":                   pad(body{}, 256<<10),
		"unknown settings of a run": body{settings: `{"step_timeout":-1,"pipeline_ids":[]}`}.String(),
	} {
		t.Run(name, func(t *testing.T) { s.post("create_job", b) })
	}
}

// pad makes a body of exactly n bytes.
func pad(b body, n int) string {
	b.extra = `,"pad":""`
	short := len(b.String())
	b.extra = `,"pad":"` + strings.Repeat("x", n-short) + `"`
	return b.String()
}

func TestCallsRefuse(t *testing.T) {
	s := newHarness(t)
	alice, viewer := s.user("alice", events.Operator), s.user("eve", events.Viewer)
	theirs := s.create(s.admin, "theirs")
	const unknown = "07a3e5c1-1b4f-4852-9cd6-1a072fc8ab31"
	byID := func(id string) string { return `{"job_id":"` + id + `"}` }

	for _, call := range []string{"enable_job", "disable_job", "trigger_job", "delete_job"} {
		missing := "job_id: is required"
		if call == "delete_job" {
			missing = "job_id, delete_all: neither is given"
		}
		for _, c := range []struct{ name, token, body, msg string }{
			{"empty body", alice, "", "the body is empty"},
			{"two values", alice, "{}{}", "one value"},
			{"no job_id", alice, "{}", missing},
			{"job_id null", alice, `{"job_id":null}`, missing},
			{"job_id a number", alice, `{"job_id":7}`, "job_id: must be a string"},
			{"job_id twice", alice, `{"job_id":"a","job_id":"b"}`, "job_id: the key stands twice"},
			{"unknown", alice, byID(unknown), "job_id: no such job"},
			{"somebody else's", alice, byID(theirs), "job_id: no such job"},
			{"a wildcard", s.admin, byID("*"), "job_id: no such job"},
			{"a subject", s.admin, byID(theirs + ".x"), "job_id: no such job"},
			{"another spelling", s.admin, byID("{" + theirs + "}"), "job_id: no such job"},
			{"a viewer", viewer, byID(theirs), "this token may only read"},
		} {
			t.Run(call+"/"+c.name, func(t *testing.T) {
				wantError(t, s.send(http.MethodPost, v1Path+call, c.token, c.body), c.msg)
			})
		}
	}
	for _, c := range []struct{ name, token, body, msg string }{
		{"both", s.admin, `{"job_id":"` + theirs + `","delete_all":true}`, "job_id, delete_all: are both given"},
		{"delete_all false", s.admin, `{"delete_all":false}`, "neither is given"},
		{"delete_all a string", s.admin, `{"delete_all":"true"}`, "delete_all: must be true or false"},
		{"everybody's", alice, `{"delete_all":true,"username":"*"}`, "username: only administrators"},
		{"somebody else's all", alice, `{"delete_all":true,"username":"admin"}`, "username: only administrators"},
		{"username a list", s.admin, `{"delete_all":true,"username":[]}`, "username: must be a string"},
	} {
		t.Run("delete_job/"+c.name, func(t *testing.T) {
			wantError(t, s.send(http.MethodPost, v1Path+"delete_job", c.token, c.body), c.msg)
		})
	}
	for _, c := range []struct{ name, token, query, msg string }{
		{"unknown", alice, "?job_id=" + unknown, "job_id: no such job"},
		{"somebody else's", alice, "?job_id=" + theirs, "job_id: no such job"},
		{"not that user's", s.admin, "?username=alice&job_id=" + theirs, "job_id: no such job"},
		{"everybody's", alice, "?username=*", "username: only administrators"},
		{"another user's", viewer, "?username=admin", "username: only administrators"},
		{"twice", alice, "?job_id=a&job_id=b", "job_id: stands twice"},
		{"malformed", alice, "?job_id=%zz", "the query string is malformed"},
		{"limit 0", alice, "?limit=0", "limit: must be a whole number from 1 to 1000"},
		{"limit 1001", alice, "?limit=1001", "limit: must be"},
		{"limit a word", alice, "?limit=ten", "limit: must be"},
		{"a page_token of nobody's", alice, "?page_token=x", "page_token: is not a next_page_token"},
	} {
		t.Run("list_jobs/"+c.name, func(t *testing.T) {
			wantError(t, s.send(http.MethodGet, v1Path+"list_jobs"+c.query, c.token, ""), c.msg)
		})
	}
	for _, c := range []struct{ name, body, msg string }{
		{"a list", "[]", "must be a JSON object"},
		{"limit a list", `{"limit":[]}`, "limit: must be"},
		{"username a number", `{"username":1}`, "username: must be a string"},
	} {
		t.Run("list_jobs/body/"+c.name, func(t *testing.T) {
			wantError(t, s.send(http.MethodGet, v1Path+"list_jobs", alice, c.body), c.msg)
		})
	}
	if jobs, _ := s.list(s.admin, ""); len(jobs) != 1 || jobs[0].Status != "ENABLED" {
		t.Errorf("the job of the admin is now %+v", jobs)
	}
}
