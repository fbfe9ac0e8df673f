package dispatcher

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"spool.internal/events"
)

// A call of the built-in runner has no secret and nothing that only notify needs. It names the owner of the job.
func TestBuiltInRunnerIsCalledWithoutSecrets(t *testing.T) {
	t.Parallel()
	got := make(chan *http.Request, 1)
	body := make(chan string, 1)
	h := newHarness(t, func(w http.ResponseWriter, q *http.Request) {
		text, _ := io.ReadAll(q.Body)
		got <- q
		body <- string(text)
		io.WriteString(w, `{"status":"OK"}`) //nolint:errcheck // a test's answer
	})
	h.cfg.Secret = "of the two of them"
	h.trigger("j1", "1", h.job("j1", "1h", func(text string) string {
		return strings.Replace(text, `"settings":{`, `"settings":{"notification_emails":"ann@example.com",`, 1)
	}))
	h.run()
	q, text := <-got, <-body
	if q.Header.Get(events.HeaderDispatcher) != h.cfg.Secret || q.Header.Get(events.HeaderOwner) != "ann%20lee" || q.Header.Get(events.HeaderJobID) != "j1" {
		t.Errorf("headers of the call: %v", q.Header)
	}
	if strings.Contains(q.Header.Get("Authorization"), "s3cret") || !strings.Contains(text, `"settings":{"tags":["x"]}`) {
		t.Errorf("Authorization %q, body %s", q.Header.Get("Authorization"), text)
	}
}
