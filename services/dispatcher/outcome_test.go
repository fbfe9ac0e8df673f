package dispatcher

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spool.internal/events"
)

// outcomeCase is an endpoint, and the row of the table in README.md that says
// what comes of calling it.
type outcomeCase struct {
	row      string
	retryFor string
	endpoint http.HandlerFunc // nil refuses connections
	response string           // part of http_result.response
	insecure bool             // the job does not verify certificates
	tls      bool
	before   bool          // the call was begun before
	calls    int           // exactly; 0 = at least two
	apart    time.Duration // at least, between the first two calls
}

var outcomeCases = []outcomeCase{
	{row: "answers 200 | OK | `200` | no | no", endpoint: answer(200, `{"status":"OK"}`), response: `{"status":"OK"}`, calls: 1},
	{row: "answers 200 and says `\"status\":\"ERROR\"` | ERROR | `200` | no | no", endpoint: answer(200, `{"status":"ERROR","msg":"no"}`), response: `"msg":"no"`, calls: 1},
	{row: "answers 200 and garbage | OK | `200` | no | no", endpoint: answer(200, `garbage`), response: `garbage`, calls: 1},
	{row: "answers 200 and a body of 1 GB, of which 64 KiB are kept | OK | `200` | no | no", response: events.CutMark, calls: 1, endpoint: func(w http.ResponseWriter, _ *http.Request) {
		for range 1 << 14 {
			if _, err := w.Write(make([]byte, 1<<16)); err != nil {
				return
			}
		}
	}},
	{row: "answers 200 and 1 MB of headers, of which 16 KiB are kept | OK | `200` | no | no", calls: 1, endpoint: func(w http.ResponseWriter, _ *http.Request) {
		for i := range 1100 {
			w.Header().Add("X-Much", strings.Repeat("x", 1000)+string(rune('a'+i%26)))
		}
	}},
	{row: "answers 302, which is not followed | ERROR | `302` | no | no", calls: 1, endpoint: func(w http.ResponseWriter, q *http.Request) { http.Redirect(w, q, "/x", http.StatusFound) }},
	{row: "answers 404 | ERROR | `404` | no | no", endpoint: answer(404, `no`), response: `no`, calls: 1},
	{row: "answers 408 until `retry_for` is over | ERROR | `408` | yes | yes", retryFor: "1s", endpoint: answer(408, `late`), response: `late`},
	{row: "answers 429 with `Retry-After`, then 200 | OK | `200` | yes, not before it said | no", apart: time.Second, calls: 2, endpoint: inTurn(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
	}, answer(200, `{}`))},
	{row: "answers 500 for a while, then 200 | OK | `200` | yes | no", calls: 4, endpoint: inTurn(answer(500, ``), answer(500, ``), answer(500, ``), answer(200, `{}`))},
	{row: "answers 500 until `retry_for` is over | ERROR | `500` | yes | yes", retryFor: "1s", endpoint: answer(500, `boom`), response: `boom`},
	{row: "answers 500, `retry_for: 0s` | ERROR | `500` | no | yes", retryFor: "0s", endpoint: answer(500, `boom`), response: `boom`, calls: 1},
	{row: "hangs until `retry_for` is over | ERROR | `0` | yes | yes", retryFor: "1s", response: "Client.Timeout", endpoint: func(_ http.ResponseWriter, q *http.Request) { hang(q) }},
	{row: "sends one byte a second, longer than a call may take | ERROR | `0` | yes | yes", retryFor: "1s", response: "Client.Timeout", endpoint: func(w http.ResponseWriter, q *http.Request) {
		io.WriteString(w, "x") //nolint:errcheck // a test's answer
		_ = http.NewResponseController(w).Flush()
		hang(q)
	}},
	{row: "resets the connection after the request | ERROR | `0` | yes | yes", retryFor: "1s", response: "EOF", endpoint: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
	{row: "refuses connections until `retry_for` is over | ERROR | `0` | yes | yes", retryFor: "1s", response: "connection refused"},
	{row: "has a certificate that nobody signed | ERROR | `0` | yes | yes", retryFor: "2s", tls: true, endpoint: answer(200, `{}`), response: "certificate", calls: -1},
	{row: "the same, `verify_ssl_certificate: false` | OK | `200` | no | no", tls: true, insecure: true, endpoint: answer(200, `{}`), calls: 1},
	{row: "was called before, outcome unknown, `retry_for: 0s` | ERROR | `0` | no | no", retryFor: "0s", before: true, endpoint: answer(200, `{}`), response: "outcome unknown", calls: -1},
}

// The table that people read is the one that is tested.
func TestOutcomeTable(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "## What a run-binary call leads to\n")
	if !ok {
		t.Fatal("README.md has no such section")
	}
	var rows, want []string
	for line := range strings.Lines(section) {
		if strings.HasPrefix(line, "#") {
			break
		}
		if strings.HasPrefix(line, "|") {
			rows = append(rows, strings.Trim(line, "| \n"))
		}
	}
	for _, c := range outcomeCases {
		want = append(want, c.row)
	}
	if d := cmp.Diff(want, rows[min(2, len(rows)):]); d != "" {
		t.Errorf("the cases and the table (-cases +table):\n%s", d)
	}
}

func TestOutcomes(t *testing.T) {
	for _, c := range outcomeCases {
		cells := strings.Split(c.row, " | ")
		t.Run(cells[0], func(t *testing.T) {
			t.Parallel()
			outcomeOf(t, c, outcomeWant{cells[1], strings.Trim(cells[2], "`"), strings.HasPrefix(cells[3], "yes"), cells[4] == "yes"})
		})
	}
}

// outcomeWant is the rest of a row.
type outcomeWant struct {
	status, http  string
	retried, dead bool
}

func outcomeOf(t *testing.T, c outcomeCase, want outcomeWant) {
	var mu sync.Mutex
	var called []time.Time
	h := newHarness(t, nil)
	if c.endpoint != nil {
		h.cfg.RunBinaryURL = serveEndpoint(t, c.tls, func() {
			mu.Lock()
			defer mu.Unlock()
			called = append(called, time.Now())
		}, c.endpoint) + events.RunBinaryPath
	}
	h.cfg.CallTimeout = 400 * time.Millisecond
	if c.response != "Client.Timeout" {
		h.cfg.CallTimeout = 20 * time.Second // these end by themselves
	}
	retryFor := c.retryFor
	if retryFor == "" {
		retryFor = "1h"
	}
	trigger := h.trigger("j", "1", h.job("j", retryFor, func(s string) string {
		if c.insecure {
			s = strings.Replace(s, `"binary_path"`, `"verify_ssl_certificate":false,"binary_path"`, 1)
		}
		return s
	}))
	if c.before {
		if err := h.bus.ClaimCall(t.Context(), trigger); err != nil {
			t.Fatal(err)
		}
	}
	h.run()
	list := h.results("j", 1)
	if len(list) != 1 {
		t.Fatalf("%d results", len(list))
	}
	res := list[0]
	if string(res.Status) != want.status || res.HTTP.Status != want.http || !strings.Contains(res.HTTP.Response, c.response) {
		t.Errorf("result %s %s %.200q", res.Status, res.HTTP.Status, res.HTTP.Response)
	}
	if (res.Attempts > 1) != want.retried {
		t.Errorf("%d attempts; retried: want %v", res.Attempts, want.retried)
	}
	mu.Lock()
	defer mu.Unlock()
	switch n := len(called); {
	case c.calls > 0 && n != c.calls, c.calls < 0 && n != 0, c.calls == 0 && c.endpoint != nil && n < 2:
		t.Errorf("%d calls, want %d", n, c.calls)
	case c.apart > 0 && called[1].Sub(called[0]) < c.apart:
		t.Errorf("retried after %s, want %s", called[1].Sub(called[0]), c.apart)
	}
	letters, err := h.bus.DeadLetters("").Count(t.Context())
	if err != nil || letters > 0 != want.dead {
		t.Errorf("dead letters: %v (%v)", letters, err)
	}
}

func serveEndpoint(t *testing.T, tls bool, came func(), h http.HandlerFunc) string {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		_, _ = io.Copy(io.Discard, q.Body)
		came()
		h(w, q)
	}))
	s.Config.ErrorLog = quiet()
	if tls {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s.URL
}

// inTurn answers each call in another way, the last one for ever.
func inTurn(all ...http.HandlerFunc) http.HandlerFunc {
	var mu sync.Mutex
	n := 0
	return func(w http.ResponseWriter, q *http.Request) {
		mu.Lock()
		h := all[min(n, len(all)-1)]
		n++
		mu.Unlock()
		h(w, q)
	}
}

func hang(q *http.Request) { <-q.Context().Done() }
