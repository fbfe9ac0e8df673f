package gateway_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What is secret is nowhere in clear, whatever the native API is asked.
func TestNativeSecretsStayMasked(t *testing.T) {
	s := newHarness(t)
	secrets := []string{"s3cr3t-token-1", "s3cr3t-header-1", "s3cr3t-token-2", "s3cr3t-header-2", s.admin}
	hook := func(n int, more string) string {
		return `{"webhook_config":{"url":"https://x.example/h","headers":{"X-One":"` + secrets[n] + `"` + more + `}}}`
	}
	var answers bytes.Buffer
	send := func(want int, method, path, body string) answer {
		t.Helper()
		a := s.native(method, path, s.admin, body)
		if a.code != want {
			t.Errorf("%s %s answers %d %s; want %d", method, path, a.code, a.body, want)
		}
		answers.Write(a.body)
		_ = a.header.Write(&answers)
		return a
	}
	create := body{name: `"plainly-visible"`, token: `"` + secrets[0] + `"`, settings: hook(1, "")}
	j := into[nativeJob](t, send(http.StatusCreated, http.MethodPost, "jobs", create.String()), http.StatusCreated)
	send(http.StatusOK, http.MethodPatch, "jobs/"+j.ID, `{"flow_parameters":{"auth_token":"`+secrets[2]+`","settings":`+hook(3, "")+`}}`)
	for _, path := range []string{"", "/history", "/results"} {
		send(http.StatusOK, http.MethodGet, "jobs/"+j.ID+path, "")
	}
	send(http.StatusOK, http.MethodGet, "jobs", "")
	send(http.StatusOK, http.MethodGet, "tokens", "")
	create.schedule = `"bad"`
	send(http.StatusBadRequest, http.MethodPost, "jobs", create.String())
	send(http.StatusBadRequest, http.MethodPost, "jobs", create.String()+"x")
	send(http.StatusBadRequest, http.MethodPost, "jobs", create.String()[:150])
	for _, patch := range []string{
		`{"flow_parameters":{"auth_token":["` + secrets[2] + `"]}}`,
		`{"flow_parameters":{"settings":` + hook(3, `,"X Two":"`+secrets[3]+`"`) + `}}`,
		`{"flow_parameters":{"settings":` + hook(3, `,"X-Two":"`+secrets[3]+`\n"`) + `}}`,
	} {
		send(http.StatusBadRequest, http.MethodPatch, "jobs/"+j.ID, patch)
	}
	s.broker.Shutdown() // so that all is in the files
	s.broker.WaitForShutdown()
	var stored bytes.Buffer
	err := filepath.WalkDir(s.store, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		stored.Write(data)
		return err
	})
	if err != nil || !strings.Contains(stored.String(), "plainly-visible") {
		t.Fatalf("the broker's files hold nothing of the job: %v", err)
	}
	for _, secret := range secrets {
		for where, text := range map[string]string{"an answer": answers.String(), "the log": s.log.String(), "the broker": stored.String()} {
			if strings.Contains(text, secret) {
				t.Errorf("%s holds %s", where, secret)
			}
		}
	}
}
