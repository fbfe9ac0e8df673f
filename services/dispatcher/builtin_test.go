package dispatcher

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

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

// What the runner's store does not take is not held against a trigger: it is called for
// until it is taken, though its time to be retried is over, and is no dead letter.
func TestRunnersStoreIsAway(t *testing.T) {
	t.Parallel()
	began := time.Now()
	h := newHarness(t, func(w http.ResponseWriter, q *http.Request) {
		if time.Since(began) < 4*time.Second {
			w.Header().Set(events.HeaderStore, "away")
			w.Header().Set("Retry-After", "5")
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		answer(200, `{"status":"OK"}`)(w, q)
	})
	h.cfg.Secret = "of the two of them"
	h.trigger("j", "1", h.job("j", "1s", nil))
	h.run()
	allOK(h, "j", 1)
}
