package gateway_test

import (
	"net/http"
	"strings"
	"testing"
)

// Every call with what it cannot understand.
func TestNativeRefuses(t *testing.T) {
	s := newHarness(t)
	j, _ := s.made(s.admin, body{}.String())
	job := "jobs/" + j.ID
	deep := strings.Repeat("[", 64) + strings.Repeat("]", 64)
	large := `{"name":"` + strings.Repeat("x", 257<<10) + `"}`
	for _, c := range []struct{ name, method, path, body, msg string }{
		{"an unknown key", "POST", "jobs", `{"schedul":"@daily"}`, `schedul: unknown key, did you mean "schedule"?`},
		{"an unknown key in another case", "POST", "jobs", body{extra: `,"Name":"x"`}.String(), `Name: unknown key, did you mean "name"?`},
		{"an unknown key below", "POST", "jobs", `{"name":"n","schedule":"@daily","flow_parameters":{"input_dri":"x"}}`, `flow_parameters.input_dri: unknown key, did you mean "flow_parameters.input_dir"?`},
		{"an unknown key in spool", "POST", "jobs", body{extra: `,"spool":{"timezon":"UTC"}`}.String(), `spool.timezon: unknown key, did you mean "spool.timezone"?`},
		{"an unknown key in watch", "POST", "jobs", body{extra: `,"spool":{"watch":{"quiet":1}}`}.String(), `spool.watch.quiet: unknown key`},
		{"a key of another object", "POST", "jobs", body{extra: `,"timezone":"UTC"`}.String(), `timezone: unknown key, did you mean "spool.timezone"?`},
		{"a key of another object", "POST", "jobs", body{extra: `,"spool":{"recursive":true}`}.String(), `spool.recursive: unknown key, did you mean "spool.watch.recursive"?`},
		{"a key as others spell it", "POST", "jobs", body{extra: `,"timeZone":"UTC"`}.String(), `timeZone: unknown key, did you mean "spool.timezone"?`},
		{"a key in short", "POST", "jobs", body{extra: `,"spool":{"tz":"UTC"}`}.String(), `spool.tz: unknown key, did you mean "spool.timezone"?`},
		{"a name that nobody sees", "POST", "jobs", body{name: `"\u200b\u3164 \u00a0"`}.String(), "name: consists of blanks"},
		{"a name of a symbol", "PATCH", job, `{"name":"☂","x":1}`, "x: unknown key"},
		{"a name of blanks", "PATCH", job, `{"name":" \t"}`, "name: consists of blanks"},
		{"a long name", "PATCH", job, `{"name":"` + strings.Repeat("ü", 256) + `"}`, "name: has 256 characters; at most 255"},
		{"a form", "POST", "jobs", "name=x&schedule=@daily", "the body is not JSON but a form: send one JSON object"},
		{"a multipart form", "POST", "jobs", "--x\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nx\r\n--x--\r\n", "the body is not JSON but a multipart form: send one JSON object"},
		{"a long unknown key", "POST", "jobs", body{extra: `,"` + strings.Repeat("k", 5000) + `":1`}.String(), strings.Repeat("k", 64) + `...: unknown key`},
		{"minute 75", "POST", "jobs", body{schedule: `"75 * * * *"`}.String(), `schedule: minute "75"`},
		{"the mask as a token", "POST", "jobs", body{token: `"********"`}.String(), "flow_parameters.auth_token: is the mask"},
		{"..", "POST", "jobs", body{input: `"a/r/fs/D/../x"`}.String(), `flow_parameters.input_dir: contains ".."`},

		{"an unknown key", "PATCH", job, `{"nmae":"x"}`, `nmae: unknown key, did you mean "name"?`},
		{"an unknown key below", "PATCH", job, `{"flow_parameters":{"x":1}}`, "flow_parameters.x: unknown key"},
		{"a name that is none", "PATCH", job, `{"name":7}`, "name: must be a string, not a number"},
		{"what is required taken out", "PATCH", job, `{"schedule":null}`, "schedule: is required"},
		{"the parameters taken out", "PATCH", job, `{"flow_parameters":null}`, "flow_parameters: is required"},
		{"a bad schedule", "PATCH", job, `{"schedule":"x"}`, "schedule: "},
		{"a mask where no secret stands", "PATCH", job, `{"flow_parameters":{"settings":{"webhook_config":{"headers":{"X-A":"********"}}}}}`, "flow_parameters.settings.webhook_config.headers.X-A: is the mask"},
		{"a precondition that is none", "PATCH", job, `{}`, `If-Match: must be * or ETags in quotes`},

		{"a body", "POST", job + "/enable", `{"job_id":"x"}`, "job_id: unknown key"},
		{"a body", "POST", job + "/disable", `{"x":1}`, "x: unknown key"},
		{"a body", "POST", job + "/trigger", `[]`, "must be a JSON object"},
		{"a key that is too long", "POST", job + "/trigger", ``, "Idempotency-Key: is longer than 255 bytes"},

		{"no such status", "GET", "jobs?status=enabled", "", `status: "enabled" is not one of ENABLED, DISABLED`},
		{"no such mode", "GET", "jobs?mode=x", "", `mode: "x" is not one of cron, automatic`},
		{"no such result", "GET", "jobs?last_result=bad", "", `last_result: "bad" is not one of OK, ERROR, none`},
		{"limit 0", "GET", "jobs?limit=0", "", "limit: must be a whole number from 1 to 1000"},
		{"limit 1001", "GET", job + "/results?limit=1001", "", "limit: must be"},
		{"limit x", "GET", job + "/history?limit=x", "", "limit: must be"},
		{"a token of nowhere", "GET", "jobs?page_token=x!", "", "page_token: is not a next_page_token"},
		{"a token of nowhere", "GET", "dead-letters?page_token=eA", "", "page_token: is not a next_page_token"},
		{"an unknown key", "GET", "jobs?statu=x", "", `statu: unknown key, did you mean "status"?`},
		{"an unknown key", "GET", job + "?x=1", "", "x: unknown key"},
		{"a key twice", "GET", "jobs?q=a&q=b", "", "q: stands twice"},
		{"malformed", "GET", "jobs?q=%zz", "", "the query string is malformed"},
		{"no such status", "GET", job + "/results?status=x", "", `status: "x" is not one of OK, ERROR`},
		{"not a time", "GET", job + "/slots?from=yesterday", "", `from: "yesterday" is not an RFC 3339 time`},
		{"backwards", "GET", job + "/slots?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "", "to: is before from"},
		{"no path", "POST", job + "/files/reprocess", "{}", "path: is required"},
		{"bytes that are none", "POST", job + "/files/reprocess", `{"path_b64":"%"}`, "path_b64: is not base64"},
		{"an unknown key", "POST", job + "/files/reprocess", `{"file":"x"}`, "file: unknown key"},
		{"a path twice", "GET", job + "/files?path=a&path=b", "", "path: stands twice"},
		{"path a number", "POST", job + "/files/reprocess", `{"path":1}`, "path: must be a string, not a number"},

		{"no schedule", "POST", "schedule/preview", `{}`, "schedule: is required"},
		{"schedule a list", "POST", "schedule/preview", `{"schedule":[]}`, "schedule: must be a string, not a list"},
		{"a bad schedule", "POST", "schedule/preview", `{"schedule":"60 * * * *"}`, `schedule: minute "60"`},
		{"an unknown zone", "POST", "schedule/preview", `{"schedule":"@daily","timezone":"Mars"}`, `timezone: time zone "Mars" is unknown`},
		{"count 101", "POST", "schedule/preview", `{"schedule":"@daily","count":101}`, "count: must be a whole number from 1 to 100"},
		{"count 0", "POST", "schedule/preview", `{"schedule":"@daily","count":0}`, "count: must be a whole number from 1 to 100"},
		{"count 1.5", "POST", "schedule/preview", `{"schedule":"@daily","count":1.5}`, "count: must be a whole number from 1 to 100"},
		{"count a string", "POST", "schedule/preview", `{"schedule":"@daily","count":"5"}`, "count: must be a whole number from 1 to 100"},
		{"from not a time", "POST", "schedule/preview", `{"schedule":"@daily","from":"now"}`, `from: "now" is not an RFC 3339 time`},
		{"from in year 0", "POST", "schedule/preview", `{"schedule":"@daily","from":"0000-01-01T00:00:00Z"}`, "from: "},
		{"an unknown key", "POST", "schedule/preview", `{"schedul":"@daily"}`, `schedul: unknown key, did you mean "schedule"?`},

		{"no owner", "POST", "tokens", `{"role":"admin"}`, "owner: is required"},
		{"everybody", "POST", "tokens", `{"owner":"*","role":"admin"}`, "owner: * stands for all users"},
		{"an owner that cannot be read", "POST", "tokens", `{"owner":"a\nb","role":"admin"}`, "owner: contains"},
		{"a long owner", "POST", "tokens", `{"owner":"` + strings.Repeat("x", 129) + `","role":"admin"}`, "owner: is longer than 128 bytes"},
		{"no role", "POST", "tokens", `{"owner":"x"}`, "role: is required"},
		{"no such role", "POST", "tokens", `{"owner":"x","role":"root"}`, `role: "root" is not one of admin, operator, viewer`},
		{"expired", "POST", "tokens", `{"owner":"x","role":"admin","expires":"2020-01-01T00:00:00Z"}`, "is not in the future"},
		{"expires backwards", "POST", "tokens", `{"owner":"x","role":"admin","expires":"-1h"}`, "is not in the future"},
		{"expires nonsense", "POST", "tokens", `{"owner":"x","role":"admin","expires":"soon"}`, `expires: "soon" is neither`},
	} {
		t.Run(c.method+" "+strings.ReplaceAll(c.path, j.ID, "id")+" "+c.name, func(t *testing.T) {
			header := []string{}
			if strings.HasPrefix(c.msg, "If-Match") {
				header = []string{"If-Match", "17"}
			}
			if strings.HasPrefix(c.msg, "Idempotency-Key") {
				header = []string{"Idempotency-Key", strings.Repeat("k", 256)}
			}
			wantFault(t, s.native(c.method, c.path, s.admin, c.body, header...), http.StatusBadRequest, c.msg)
		})
	}
	for _, call := range []struct{ method, path string }{
		{"POST", "jobs"},
		{"PATCH", job},
		{"POST", job + "/trigger"},
		{"POST", job + "/enable"},
		{"DELETE", job},
		{"POST", job + "/files/reprocess"},
		{"POST", "schedule/preview"},
		{"POST", "tokens"},
		{"DELETE", "tokens/x"},
		{"POST", "results/manual:" + j.ID + ":x/rerun"},
		{"POST", "dead-letters/1/retry"},
		{"DELETE", "dead-letters/1"},
	} {
		for _, c := range []struct{ name, body, msg string }{
			{"not JSON", "x", "the body is not JSON"},
			{"cut off", `{"a":`, "the body is not JSON"},
			{"two values", `{}{}`, "one value"},
			{"a list", `[]`, "must be a JSON object"},
			{"NUL", "\x00{}", "the body is not JSON"},
			{"invalid UTF-8", "{\"\xff\":1}", "not valid UTF-8"},
			{"nesting 65", `{"name":` + deep + `}`, "deeper than 64"},
			{"a key twice", `{"name":1,"name":1}`, "name: the key stands twice"},
		} {
			t.Run(call.method+" "+strings.ReplaceAll(call.path, j.ID, "id")+" "+c.name, func(t *testing.T) {
				wantFault(t, s.native(call.method, call.path, s.admin, c.body), http.StatusBadRequest, c.msg)
			})
		}
		wantFault(t, s.native(call.method, call.path, s.admin, large), http.StatusRequestEntityTooLarge, "256 KiB")
	}
	for _, path := range []string{"jobs/x", "jobs/*", "jobs/>/results", "jobs/*/history", "jobs/%2a/slots"} {
		wantFault(t, s.native("GET", path, s.admin, ""), http.StatusNotFound, "")
	}
	for _, path := range []string{"tokens/_seal", "tokens/*", "tokens/>", "tokens/a.b", "dead-letters/0", "dead-letters/x", "dead-letters/01"} {
		wantFault(t, s.native("DELETE", path, s.admin, ""), http.StatusNotFound, "no such")
	}
	for _, id := range []string{"x", "cron:x:1", "cron:*:1", "manual:" + j.ID + ":y"} {
		wantFault(t, s.native("POST", "results/"+id+"/rerun", s.admin, ""), http.StatusNotFound, "trigger_id: no such result")
	}
	if now, _ := s.read(j.ID); string(now.Parameters) != string(j.Parameters) {
		t.Errorf("the job became %s", now.Parameters)
	}
}
