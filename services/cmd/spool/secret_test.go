package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"spool.internal/events"
)

// After everything has happened to a job, its secrets stand in clear in no file
// of the data folder, no log line and no answer.
func TestNoSecretInTheDataFolder(t *testing.T) {
	t.Parallel()
	const token, header, password = "tok3n-in-clear", "Bearer h34der-in-clear", "p4ssword-in-clear"
	p := newHarness(t)
	smtp := filepath.Join(t.TempDir(), "smtp")
	if err := os.WriteFile(smtp, []byte("smtp://u:"+password+"@127.0.0.1:1?from=spool@example.com\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	pr := p.serve("--smtp-url-file", smtp, "--log-level", "debug")
	p.flow("fails.ibflowbin", "#!/bin/sh\nenv\nexit 3\n") // what a flow is given ends up in its log
	answer := p.call("POST", "create_job", map[string]any{
		"name": "secret", "schedule": "@yearly", "flow_parameters": map[string]any{
			"auth_token": token, "binary_path": testDrive + "/fails.ibflowbin", "input_dir": testDrive + "/in",
			"settings": map[string]any{"webhook_config": map[string]any{
				"url": "http://us3r-in-clear:p4ss-in-clear@127.0.0.1:1/p4th-in-clear?k=qu3ry-in-clear", "headers": map[string]string{"Authorization": header},
			}, "notification_emails": "ann@example.com"},
		},
	})
	job, _ := answer["job_id"].(string)
	p.outcome(job, 0)
	bus := p.bus()
	p.eventually("the run ends", func() bool {
		return len(read(p, bus.Runs(events.Ended, job))) == 1
	})
	p.eventually("both tellings fail", func() bool {
		return strings.Contains(pr.log.String(), "webhook to 127.0.0.1:1: ") && strings.Contains(pr.log.String(), "e-mail to ann@example.com ")
	})
	signing, err := os.ReadFile(filepath.Join(p.data, "webhook.secret"))
	if err != nil {
		t.Fatal(err)
	}
	secrets := []string{token, "h34der-in-clear", password, strings.TrimSpace(string(signing)), "us3r-in-clear", "p4ss-in-clear", "qu3ry-in-clear"}
	for _, path := range []string{"v1/scheduler/list_jobs", "v2/jobs/" + job, "v2/jobs/" + job + "/results", "v2/jobs/" + job + "/history"} {
		var answer json.RawMessage
		p.get("/api/"+path, &answer)
		for _, secret := range secrets {
			if bytes.Contains(answer, []byte(secret)) {
				t.Errorf("%s answers with %q", path, secret)
			}
		}
	}
	secrets = append(secrets, "p4th-in-clear") // which administrators are shown, and the store is not
	p.call("POST", "disable_job", map[string]any{"job_id": job})
	p.call("POST", "delete_job", map[string]any{"job_id": job})
	admin, err := os.ReadFile(filepath.Join(p.data, "admin.token"))
	if err != nil {
		t.Fatal(err)
	}
	if code := pr.stop(syscall.SIGTERM); code != 0 {
		t.Errorf("stopped with status %d", code)
	}
	files := 0
	err = filepath.WalkDir(p.data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		for _, secret := range secrets {
			if d.Name() != "webhook.secret" && bytes.Contains(text, []byte(secret)) {
				t.Errorf("%s holds %q", path, secret)
			}
		}
		if d.Name() != "admin.token" && bytes.Contains(text, bytes.TrimSpace(admin)) {
			t.Errorf("%s holds the admin token", path)
		}
		return nil
	})
	if err != nil || files < 10 {
		t.Errorf("looked at %d files: %v", files, err)
	}
	for _, secret := range append(secrets, strings.TrimSpace(string(admin))) {
		if strings.Contains(pr.log.String(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
	t.Logf("%d files of the data folder and the log hold no secret", files)
}

// What an endpoint echoes of a request is shown to no reader of the job.
func TestViewersReadNoEcho(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Echo", r.Header.Get("Authorization"))
		w.Header().Set("Set-Cookie", "session=s3ssion-in-clear")
		fmt.Fprintf(w, "%s %s", body, base64.StdEncoding.EncodeToString([]byte(r.Header.Get("Authorization")))) //nolint:errcheck // a test's answer
	}))
	defer echo.Close()
	pr := p.serve("--run-binary-url", echo.URL+events.RunBinaryPath, "--log-level", "debug")
	answer := p.call("POST", "create_job", map[string]any{
		"name": "echoed", "schedule": "@yearly", "flow_parameters": map[string]any{
			"auth_token": "tok3n-in-clear", "binary_path": testDrive + "/f", "input_dir": testDrive + "/in",
			"settings": map[string]any{"webhook_config": map[string]any{
				"url": "https://chat.example/services/p4th-in-clear?k=qu3ry-in-clear", "headers": map[string]string{"X-Key": "h34der-in-clear"},
			}},
		},
	})
	job, _ := answer["job_id"].(string)
	p.outcome(job, 0)
	var list json.RawMessage
	p.get("/api/v1/scheduler/list_jobs?job_id="+job, &list)
	if !bytes.Contains(list, []byte(`"http_result":{"status":"200"`)) {
		t.Errorf("no answer is listed: %s", list)
	}
	for _, secret := range []string{"tok3n-in-clear", "dG9rM24taW4tY2xlYX", "s3ssion-in-clear", "qu3ry-in-clear", "h34der-in-clear"} {
		if bytes.Contains(list, []byte(secret)) || strings.Contains(pr.log.String(), secret) {
			t.Errorf("%s is in the list or the log: %s", secret, list)
		}
	}
	if n := bytes.Count(list, []byte("p4th-in-clear")); n != 1 { // in the job, which its owner may see
		t.Errorf("the path of the webhook stands %d times in %s", n, list)
	}
}

// A start with a wrong or missing seal key is refused in one line and changes nothing.
func TestSealKeyCanary(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	pr := p.serve()
	if code := pr.stop(syscall.SIGTERM); code != 0 {
		t.Fatalf("stopped with status %d", code)
	}
	key := filepath.Join(p.data, "seal.key")
	right, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	out, code := spool(t, append(pr.args, "--log-level", "error")...)
	if code != 1 || strings.Count(out, "\n") != 1 || !strings.Contains(out, "seal key") || !strings.Contains(out, "backup") {
		t.Errorf("without its key: status %d, %q", code, out)
	}
	if _, err := os.Stat(key); err == nil {
		t.Error("a new key was made in place of the missing one")
	}
	other := newHarness(t)
	if code := other.serve().stop(syscall.SIGTERM); code != 0 {
		t.Fatalf("stopped with status %d", code)
	}
	wrong, err := os.ReadFile(filepath.Join(other.data, "seal.key"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(key, wrong, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, code := spool(t, append(pr.args, "--log-level", "error")...); code != 1 || strings.Count(out, "\n") != 1 {
		t.Errorf("with another key: status %d, %q", code, out)
	}
	if err := os.WriteFile(key, right, 0o600); err != nil {
		t.Fatal(err)
	}
	pr.start()
}

// Tokens by the command line: made, listed without secrets, revoked at once.
func TestTokenCommand(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	p.serve()
	ask := func(args ...string) (string, int) {
		return spool(t, append(args, "--url", "http://"+p.api, "--data", p.data)...)
	}
	out, code := ask("token", "create", "--owner", "ann", "--role", "operator", "--expires", "1h", "--path", "ann/repo/fs/D/scans/")
	made := strings.TrimSpace(out)
	if code != 0 || !strings.HasPrefix(made, "spool_") {
		t.Fatalf("token create: status %d, %q", code, out)
	}
	id := strings.Split(made, "_")[1]
	if out, code = ask("token", "list"); code != 0 || !strings.Contains(out, id) || !strings.Contains(out, "ann/repo/fs/D/scans/") || strings.Contains(out, made) {
		t.Errorf("token list: status %d\n%s", code, out)
	}
	file := filepath.Join(t.TempDir(), "ann.token")
	if err := os.WriteFile(file, []byte(made), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, code := ask("token", "list", "--token-file", file); code != 5 || strings.Count(out, "\n") != 1 {
		t.Errorf("an operator lists tokens: status %d, %q", code, out)
	}
	if out, code := ask("token", "revoke", id); code != 0 {
		t.Errorf("token revoke: status %d, %q", code, out)
	}
	if out, code := ask("token", "list", "--token-file", file); code != 5 || !strings.Contains(out, "token") {
		t.Errorf("a revoked token: status %d, %q", code, out)
	}
	if out, code := ask("token", "revoke", id); code != 3 {
		t.Errorf("revoked twice: status %d, %q", code, out)
	}
	if out, code := ask("token", "create", "--role", "king"); code != 4 || !strings.Contains(out, "role") {
		t.Errorf("an unknown role: status %d, %q", code, out)
	}
}

// The admin's token is reset in the folder of a server that is stopped.
func TestResetAdminCommand(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	pr := p.serve()
	file := filepath.Join(p.data, "admin.token")
	text := func() string {
		t.Helper()
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(raw))
	}
	first := text()
	if out, code := spool(t, "token", "reset-admin", "--data", p.data); code != 1 || !strings.Contains(out, "stop the server first") || text() != first {
		t.Errorf("beside a server that runs: status %d, %q", code, out)
	}
	id := strings.Split(first, "_")[1]
	if out, code := spool(t, "token", "revoke", id, "--url", "http://"+p.api, "--data", p.data); code != 0 {
		t.Fatalf("revoke: status %d, %q", code, out)
	}
	pr.stop(syscall.SIGTERM)
	pr.start()
	if out, code := spool(t, "token", "list", "--url", "http://"+p.api, "--data", p.data); code != 5 || text() != first {
		t.Errorf("a start has revived a revoked token: status %d, %q", code, out)
	}
	pr.stop(syscall.SIGTERM)
	if out, code := spool(t, "token", "reset-admin", "--data", p.data); code != 0 || !strings.Contains(out, file) || strings.Contains(out, text()) || text() == first {
		t.Errorf("reset: status %d, %q", code, out)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("admin.token: %v, %v", info, err)
	}
	pr.start()
	if out, code := spool(t, "token", "list", "--url", "http://"+p.api, "--data", p.data); code != 0 {
		t.Errorf("with the new token: status %d, %q", code, out)
	}
	if out, code := spool(t, "token", "reset-admin", "--data", filepath.Join(p.data, "none")); code != 1 || strings.Count(out, "\n") != 1 {
		t.Errorf("no data folder: status %d, %q", code, out)
	}
}
