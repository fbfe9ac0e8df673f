package gateway_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// What is compressed is refused everywhere, and what a client says of a plain
// body means nothing.
func TestContentEncoding(t *testing.T) {
	s, dir := newDriveHarness(t)
	for _, c := range []struct {
		method, path string
		native       bool
	}{
		{"POST", v1Path + "create_job", false},
		{"POST", "/api/v2/jobs", true},
		{"POST", "/api/v2/schedule/preview", true},
		{"PUT", "/api/v2/files/admin/repo/fs/Drive/x", true},
	} {
		for _, encoding := range []string{"gzip", "br", "identity, gzip"} {
			a := s.send(c.method, c.path, s.admin, plainJob("n"), header("Content-Encoding", encoding))
			text := a.field("msg")
			if c.native {
				text = a.field("message")
			}
			if a.code != http.StatusUnsupportedMediaType || !strings.Contains(text, "without compression") {
				t.Errorf("%s %s, %s: %d %s", c.method, c.path, encoding, a.code, a.body)
			}
		}
	}
	if got := left(t, dir); got != "" {
		t.Errorf("%q is left", got)
	}
	s.ok(s.send("POST", v1Path+"create_job", s.admin, plainJob("n"), header("Content-Encoding", "identity")))
	s.ok(s.send("POST", v1Path+"create_job", s.admin, plainJob("n"), header("Content-Type", "application/x-www-form-urlencoded"))) // as curl -d
}

func TestBOM(t *testing.T) {
	s := newHarness(t)
	s.ok(s.send("POST", v1Path+"create_job", s.admin, "\ufeff"+plainJob("n")))
	for path, body := range map[string]string{"jobs": plainJob("n"), "schedule/preview": `{"schedule":"@daily"}`} {
		if a := s.send("POST", "/api/v2/"+path, s.admin, "\ufeff"+body); a.code >= 300 {
			t.Errorf("%s: %d %s", path, a.code, a.body)
		}
	}
}

func TestMultipartUpload(t *testing.T) {
	s, dir := newDriveHarness(t)
	form := "--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.pdf\"\r\n\r\n%PDF\r\n--x--\r\n"
	wantProblem(t, s.file(http.MethodPut, "in/a.pdf", form, header("Content-Type", "multipart/form-data; boundary=x")),
		http.StatusUnsupportedMediaType, "Content-Type: is multipart/form-data: send the bytes of the file alone")
	if got := left(t, dir); got != "" {
		t.Errorf("%q is left", got)
	}
}

// Some tools write a UUID in capitals.
func TestJobIDInCapitals(t *testing.T) {
	s := newHarness(t)
	id := s.create(s.admin, "n")
	large := strings.ToUpper(id)
	for _, path := range []string{"", "/history", "/results", "/slots"} {
		if a := s.send("GET", "/api/v2/jobs/"+large+path, s.admin, ""); a.code != http.StatusOK {
			t.Errorf("GET jobs/ID%s: %d %s", path, a.code, a.body)
		}
	}
	if a := s.send("PATCH", "/api/v2/jobs/"+large, s.admin, `{"name":"m"}`); a.code != http.StatusOK {
		t.Errorf("PATCH: %d %s", a.code, a.body)
	}
	if jobs, _ := s.list(s.admin, "?job_id="+large); len(jobs) != 1 || jobs[0].ID != id {
		t.Errorf("list_jobs: %v", jobs)
	}
	for _, call := range []string{"disable_job", "enable_job", "trigger_job", "delete_job"} {
		s.post(call, `{"job_id":"`+large+`"}`)
	}
	var answer struct{ Jobs []json.RawMessage }
	if a := s.send("GET", "/api/v2/jobs", s.admin, ""); json.Unmarshal(a.body, &answer) != nil || len(answer.Jobs) != 0 {
		t.Errorf("left: %s", a.body)
	}
}
