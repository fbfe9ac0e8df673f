package gateway_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Secrets that a client sends are nowhere in clear: not in an answer, not in
// the log, not in the broker's files.
func TestSecretsStayMasked(t *testing.T) {
	s := newHarness(t)
	const inToken, inHeader = "s3cr3t-token-8f1c", "s3cr3t-header-77ab"
	visible := "plainly-visible-name"
	hooks := `{"webhook_config":{"url":"https://x.example/h","headers":{"X-One":"` + inHeader + `","X-Two":"` + inHeader + `"}}}`
	var answers bytes.Buffer
	send := func(method, call, body string) answer {
		a := s.send(method, v1Path+call, s.admin, body)
		answers.Write(a.body)
		_ = a.header.Write(&answers)
		return a
	}
	id := s.ok(send(http.MethodPost, "create_job",
		body{name: `"` + visible + `"`, token: `"` + inToken + `"`, settings: hooks}.String())).field("job_id")
	byID := `{"job_id":"` + id + `"}`
	for _, call := range []string{"disable_job", "enable_job", "trigger_job"} {
		s.ok(send(http.MethodPost, call, byID))
	}
	list := s.ok(send(http.MethodGet, "list_jobs?job_id="+id, ""))
	if n := strings.Count(string(list.body), `"********"`); n != 3 {
		t.Errorf("%d masks in %s", n, list.body)
	}
	// Every way to be wrong with the secrets in hand.
	for _, wrong := range []string{
		body{token: `"` + inToken + `"`, settings: hooks, schedule: `"bad"`}.String(),
		body{token: `"` + inToken + `"`, settings: hooks, input: `"bad"`}.String(),
		body{token: `["` + inToken + `"]`}.String(),
		body{token: `"` + inToken + `"`, settings: strings.ReplaceAll(hooks, inHeader+`"`, inHeader+`\n"`)}.String(),
		body{token: `"` + inToken + `"`, settings: hooks}.String() + "x",
		body{token: `"` + inToken + `"`, settings: hooks}.String()[:150],
		`{"auth_token":"` + inToken + `","auth_token":"` + inToken + `"}`,
	} {
		wantError(t, send(http.MethodPost, "create_job", wrong), "")
	}
	s.send(http.MethodGet, v1Path+"list_jobs?token="+inToken, "", "")
	s.send(http.MethodGet, v1Path+"list_jobs", inToken, "")
	// A deletion leaves the job's history out, so look before it, and after it.
	inStore := func() {
		t.Helper()
		found := false
		err := filepath.WalkDir(s.store, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			found = found || bytes.Contains(data, []byte(visible))
			for _, secret := range []string{inToken, inHeader, s.admin} {
				if bytes.Contains(data, []byte(secret)) {
					t.Errorf("%s holds %s", path, secret)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if !found {
			t.Error("the broker's files hold nothing of the job: this test looks in the wrong place")
		}
	}
	s.broker.Shutdown() // so that all is in the files
	s.broker.WaitForShutdown()
	inStore()
	for _, secret := range []string{inToken, inHeader, s.admin} {
		if bytes.Contains(answers.Bytes(), []byte(secret)) {
			t.Errorf("an answer holds %s", secret)
		}
		if strings.Contains(s.log.String(), secret) {
			t.Errorf("the log holds %s", secret)
		}
	}
	if !strings.Contains(s.log.String(), id) {
		t.Error("the log does not name the job: this test looks at another log")
	}
}
