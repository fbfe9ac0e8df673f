package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

// received is a notification as the receiver got it.
type received struct {
	http.Header
	body string
}

// receiver answers with 500 the first times, then with 204.
func receiver(t *testing.T, failures int) (url string, calls chan received) {
	calls = make(chan received, 1000)
	var came atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if came.Add(1) <= int64(failures) {
			w.WriteHeader(http.StatusInternalServerError)
		}
		calls <- received{r.Header, string(body)}
	}))
	t.Cleanup(s.Close)
	return s.URL, calls
}

func (p *harness) received(calls chan received) received {
	p.Helper()
	select {
	case c := <-calls:
		return c
	case <-time.After(eventstest.Patience):
		p.Fatalf("the webhook did not come within %s", eventstest.Patience)
		panic("unreachable")
	}
}

// hooked makes a job with a webhook and gives its id.
func (p *harness) hooked(url, header string) string {
	p.Helper()
	answer := p.call("POST", "create_job", map[string]any{
		"name": "hooked", "schedule": "@yearly", "flow_parameters": map[string]any{
			"auth_token": "<oauth token>", "binary_path": testDrive + "/flow.ibflowbin", "input_dir": testDrive + "/tick/in",
			"settings": map[string]any{"webhook_config": map[string]any{"url": url, "headers": map[string]string{"Authorization": header}}},
		},
	})
	id, ok := answer["job_id"].(string)
	if !ok {
		p.Fatalf("create_job: %v", answer)
	}
	return id
}

// The receiver fails, everything is killed, and what is sent later is the same notification,
// signed with the secret in the data folder.
func TestLongWebhookAcrossKills(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-long runs it")
	}
	t.Parallel()
	p := newHarness(t)
	url, calls := receiver(t, 3)
	pr := p.serve()
	p.outcome(p.hooked(url, "Bearer abc"), 0)
	first := p.received(calls)
	for range 3 { // before the first retry is due, after it, and after the next
		pr.kill()
		pr.start()
		again := p.received(calls)
		if again.Get("webhook-id") != first.Get("webhook-id") || again.body != first.body || again.Get("Authorization") != "Bearer abc" {
			t.Errorf("received %v %s, then %v %s", first.Header, first.body, again.Header, again.body)
		}
		first = again
	}
	secret, err := os.ReadFile(filepath.Join(p.data, "webhook.secret"))
	if err != nil {
		t.Fatal(err)
	}
	wh, err := standardwebhooks.NewWebhook(strings.TrimSpace(string(secret)))
	if err != nil {
		t.Fatal(err)
	}
	if err := wh.Verify([]byte(first.body), first.Header); err != nil {
		t.Errorf("the signature does not verify: %v", err)
	}
	if info, err := os.Stat(filepath.Join(p.data, "webhook.secret")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("webhook.secret: %v, %v", info.Mode(), err)
	}
}

// A foreign endpoint gets the settings in clear, and sends its notifications itself.
func TestForeignEndpointTells(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	hook, calls := receiver(t, 0)
	asked := make(chan string, 10)
	foreign := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked <- string(body)
		io.WriteString(w, `{"status":"OK","data":{"job_id":"f1","output_folder":"x"}}`) //nolint:errcheck // a test's answer
	}))
	defer foreign.Close()
	p.serve("--run-binary-url", foreign.URL+events.RunBinaryPath, "--smtp-url", "smtp://127.0.0.1:1?from=a@b.test")
	job := p.hooked(hook, "Bearer in-clear")
	p.outcome(job, 0)
	if body := <-asked; !strings.Contains(body, `"webhook_config":{"headers":{"Authorization":"Bearer in-clear"},"url":"`+hook+`"}`) {
		t.Errorf("the endpoint was asked %s", body)
	}
	bus := p.bus()
	ended := events.RunEvent{Phase: events.Ended, FlowJobID: "f1", JobID: job, Status: events.OK}
	if err := bus.PutRunEvent(t.Context(), ended, 0); err != nil { // as one that tracks runs does
		t.Fatal(err)
	}
	p.eventually("that end is looked at", func() bool {
		n, queued, err := bus.Unsettled(t.Context(), bus.Runs(events.Ended, "").Queue("notify-ended", 0))
		return err == nil && n+queued == 0
	})
	if len(calls) > 0 {
		t.Errorf("%d webhooks were sent", len(calls))
	}
}

func TestFaultsOfNotify(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ flag, value, says string }{
		{"--smtp-url", "smtp://u:s3cret@h", "smtp-url: from="},
		{"--smtp-url-file", "/nowhere", "smtp-url-file: "},
		{"--mail-on", "sometimes", "mail-on: "},
		{"--webhook-deny", "*.example.com", "webhook-deny: "},
	} {
		out, code := spool(t, "serve", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--log-level", "error", c.flag, c.value)
		if code != 2 || strings.Count(out, "\n") != 1 || !strings.Contains(out, c.says) || strings.Contains(out, "s3cret") {
			t.Errorf("%s %s: status %d, %q", c.flag, c.value, code, out)
		}
	}
}
