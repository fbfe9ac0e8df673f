package dispatcher

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

// Machines come back soon in tests.
func init() { awayAgain = 200 * time.Millisecond }

// A trigger is called for where its drive is, and waits while that machine is away: that is no error.
func TestWhere(t *testing.T) {
	t.Parallel()
	got := make(chan *http.Request, 10)
	h := newHarness(t, func(w http.ResponseWriter, q *http.Request) {
		got <- q
		io.WriteString(w, `{"status":"OK"}`) //nolint:errcheck // a test's answer
	})
	h.cfg.Secret = "of the two of them"
	h.cfg.Places = h.bus.Places
	runner := func(place, drive string, stopped bool) {
		t.Helper()
		s := events.RoleState{Role: "runner", Instance: place, Place: place, Stopped: stopped, Drives: []events.ServedDrive{{Name: drive}}}
		if err := h.bus.PutRole(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	runner("m1", "a/b/fs/D", false)
	runner("m2", "a/b/fs/E", true)
	onE := func(text string) string { return strings.ReplaceAll(text, "a/b/fs/D/", "a/b/fs/E/") }
	onF := func(text string) string { return strings.ReplaceAll(text, "a/b/fs/D/", "a/b/fs/F/") }
	h.trigger("j1", "1", h.job("j1", "1h", nil))
	h.trigger("j2", "1", h.job("j2", "1h", onE))
	h.trigger("j3", "1", h.job("j3", "1h", onF))
	d, _ := h.dispatcher()
	places := map[string]string{}
	for range 2 {
		q := <-got
		places[q.Header.Get(events.HeaderJobID)] = q.Header.Get(events.HeaderPlace)
	}
	if places["j1"] != "m1" || places["j3"] != "" || len(places) != 2 {
		t.Errorf("called for %v", places)
	}
	eventstest.Eventually(t, "it is said what the trigger waits for", func() bool {
		states, _ := d.waiting.states(time.Now())
		return strings.HasPrefix(states["j2"].LastError, "no machine serves the drive a/b/fs/E; m2 did until ")
	})
	runner("m2", "a/b/fs/E", false)
	if q := <-got; q.Header.Get(events.HeaderJobID) != "j2" || q.Header.Get(events.HeaderPlace) != "m2" {
		t.Errorf("called for %v", q.Header)
	}
	if r := h.results("j2", 1); len(r) != 1 || r[0].Attempts != 1 {
		t.Errorf("results %+v", r)
	}
}
