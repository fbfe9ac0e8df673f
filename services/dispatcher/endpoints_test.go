package dispatcher

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

func TestSplitURLs(t *testing.T) {
	for text, want := range map[string][]string{
		"":                               {""},
		"http://a/run":                   {"http://a/run"},
		"http://a/run?x=1,2":             {"http://a/run?x=1,2"},
		"http://a/run, https://b/run":    {"http://a/run", "https://b/run"},
		"http://a/r?x=1,2,http://b/r,":   {"http://a/r?x=1,2", "http://b/r,"},
		"nothing,http://b/run,http://c/": {"nothing", "http://b/run", "http://c/"},
	} {
		if got := splitURLs(text); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// dead is the URL of an endpoint that refuses connections.
const dead = "http://127.0.0.1:1" + events.RunBinaryPath

// allOK waits for the results of so many triggers of a job, none of which may have failed.
func allOK(h *harness, job string, n int) {
	h.Helper()
	for _, res := range h.results(job, n) {
		if res.Status != events.OK {
			h.Errorf("%s: %s %s", res.TriggerID, res.Status, res.HTTP.Response)
		}
	}
	if letters, err := h.bus.DeadLetters("").All(h.Context()); err != nil || len(letters) > 0 {
		h.Errorf("%d dead letters (%v)", len(letters), err)
	}
}

// The first of two endpoints is away: calls go to the second at once, at most once too.
func TestSecondEndpoint(t *testing.T) {
	t.Parallel()
	h := newHarness(t, answer(200, `{"status":"OK"}`))
	h.cfg.RunBinaryURL = dead + "," + h.cfg.RunBinaryURL
	h.run()
	once, often := h.job("once", "0s", nil), h.job("often", "1h", nil)
	for n := range 20 {
		h.trigger("once", fmt.Sprint(n), once)
		h.trigger("often", fmt.Sprint(n), often)
	}
	allOK(h, "once", 20)
	allOK(h, "often", 20)
	for _, res := range h.results("often", 20) {
		if res.Attempts != 1 {
			t.Errorf("%s took %d attempts", res.TriggerID, res.Attempts)
		}
	}
}

// A call that may have been taken is made again where it may have been.
func TestUnsureCallStays(t *testing.T) {
	t.Parallel()
	var first, second atomic.Int32
	one := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if first.Add(1) == 1 {
			panic(http.ErrAbortHandler) // it has read the call, and says nothing
		}
		answer(200, `{"status":"OK"}`)(w, r)
	}))
	t.Cleanup(one.Close)
	h := newHarness(t, func(w http.ResponseWriter, r *http.Request) {
		second.Add(1)
		answer(200, `{"status":"OK"}`)(w, r)
	})
	h.cfg.RunBinaryURL = one.URL + events.RunBinaryPath + "," + h.cfg.RunBinaryURL
	h.run()
	seq := h.job("j", "1h", nil)
	h.trigger("j", "1", seq)
	allOK(h, "j", 1)
	if first.Load() != 2 || second.Load() != 0 {
		t.Errorf("the first endpoint got %d calls, the second %d: what may have been taken goes to the same", first.Load(), second.Load())
	}
}

// Of two dispatchers one has an endpoint that is away: what it holds is handed back, and the
// other calls for it in time. No trigger becomes a dead letter.
func TestHandedBackToAnother(t *testing.T) {
	t.Parallel()
	h := newHarness(t, answer(200, `{"status":"OK"}`))
	well, err := New(h.cfg)
	if err != nil {
		t.Fatal(err)
	}
	cfg := h.cfg
	cfg.RunBinaryURL = dead
	cfg.Bus = eventstest.Connect(t, h.srv)
	ill, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ill.elsewhere = func(context.Context) bool { return well.endpoints.closed() }
	eventstest.Background(t, ill.Run)
	seq := h.job("j", "20s", nil)
	for n := range 5 { // so that its breaker opens
		h.trigger("j", fmt.Sprint("first-", n), seq)
	}
	eventstest.Eventually(t, "the circuit breaker opens", func() bool { return !ill.endpoints.closed() })
	eventstest.Background(t, well.Run)
	for n := range 100 {
		h.trigger("j", fmt.Sprint(n), seq)
	}
	allOK(h, "j", 105)
}

// A dispatcher knows of others by what they say of themselves.
func TestElsewhere(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	put := func(pid int, edit func(*events.RoleState)) {
		t.Helper()
		e := newElsewhere(h.bus)
		s := events.RoleState{Role: "dispatcher", Instance: fmt.Sprint(pid), Host: e.host, PID: pid, Clock: time.Now(), Ready: true, Endpoint: &events.EndpointState{}}
		if edit != nil {
			edit(&s)
		}
		if err := h.bus.PutRole(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	look := func() bool { return newElsewhere(h.bus).open(t.Context()) }
	put(newElsewhere(h.bus).pid, nil)
	put(1, func(s *events.RoleState) { s.Stopped = true })
	put(2, func(s *events.RoleState) { s.Endpoint.Refuses = time.Now() })
	put(3, func(s *events.RoleState) { s.Clock = time.Now().Add(-time.Hour) })
	put(4, func(s *events.RoleState) { s.Role, s.Endpoint = "cron", nil })
	if look() {
		t.Error("one that is this, has stopped, is away or has no endpoint counts")
	}
	put(5, nil)
	if !look() {
		t.Error("another whose endpoint takes connections does not count")
	}
}

// A trigger that is named after a key leaves an entry when it leaves its queue, for a day.
func TestKeyOfTrigger(t *testing.T) {
	t.Parallel()
	h := newHarness(t, answer(200, `{"status":"OK"}`))
	d, _ := h.dispatcher()
	h.trigger("j", uuid.NewSHA1(uuid.NameSpaceURL, []byte("key")).String(), h.job("j", "1h", nil))
	allOK(h, "j", 1)
	entries := func() (n int) {
		if err := h.bus.Asked("j").Since(t.Context(), time.Time{}, func(jet.Entry[struct{}]) bool { n++; return true }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	eventstest.Eventually(t, "the entry of the key", func() bool { return entries() == 1 })
	if err := d.forgetKeys(t.Context(), time.Now()); err != nil || entries() != 1 {
		t.Errorf("the key is forgotten at once (%v)", err)
	}
	if err := d.forgetKeys(t.Context(), time.Now().Add(25*time.Hour)); err != nil || entries() != 0 {
		t.Errorf("the key is not forgotten after a day (%v)", err)
	}
}
