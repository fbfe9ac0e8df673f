package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
	"spool.internal/events/seal"
)

// The tests mostly wait, so more of them run side by side than there are processors.
func TestMain(m *testing.M) {
	eventstest.Parallel(4)
	os.Exit(eventstest.Main(m))
}

// harness is notify beside a real server.
type harness struct {
	*testing.T
	srv     *eventstest.Server
	bus     *jet.Bus
	key     *seal.Key
	cfg     Config
	js      jetstream.JetStream
	metrics *prometheus.Registry
	runs    int
}

func newHarness(t *testing.T) *harness {
	key, err := seal.Load(filepath.Join(t.TempDir(), "seal.key"))
	if err != nil {
		t.Fatal(err)
	}
	h := &harness{T: t, key: key, srv: eventstest.Start(t, eventstest.Options{}), metrics: prometheus.NewRegistry()}
	h.bus = eventstest.Connect(t, h.srv)
	nc, err := nats.Connect("", nats.InProcessServer(h.srv), nats.MaxReconnects(-1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	if h.js, err = jetstream.New(nc); err != nil {
		t.Fatal(err)
	}
	h.cfg = Config{
		Bus: h.bus, SealKey: key, WebhookSecretFile: filepath.Join(t.TempDir(), "webhook.secret"), Log: eventstest.Log(t), Metrics: h.metrics,
		// As many as in earnest, and quick.
		retries: retries{10 * time.Millisecond, 20 * time.Millisecond, 20 * time.Millisecond, 20 * time.Millisecond, 20 * time.Millisecond, 20 * time.Millisecond, 20 * time.Millisecond},
	}
	return h
}

// start subscribes, and runs until the test ends or stop is called.
func (h *harness) start() (stop func()) {
	h.Helper()
	n, err := New(h.cfg)
	if err != nil {
		h.Fatal(err)
	}
	eventstest.Eventually(h, "it is subscribed", func() bool {
		err := n.Subscribe(h.Context())
		if err != nil && !errors.Is(err, context.DeadlineExceeded) { // a server that has just started may drop a request
			h.Fatal(err)
		}
		return err == nil
	})
	return eventstest.Background(h, n.Run)
}

// job stores a revision of a job with these settings, a JSON object, after the revision at seq.
func (h *harness) job(id, name, settings string, seq uint64) uint64 {
	h.Helper()
	o, err := events.ParseObject([]byte(`{"name":"n","schedule":"@daily","flow_parameters":{"auth_token":"t","binary_path":"a/b/fs/D/f",` +
		`"input_dir":"a/b/fs/D/in","settings":` + settings + `}}`))
	if err != nil {
		h.Fatal(err)
	}
	masked, secrets, err := events.Conceal(o, func(pointer, value string) (string, error) { return h.key.Public.Seal(value, id, pointer) })
	if err != nil {
		h.Fatal(err)
	}
	change := events.JobUpdated
	if seq == 0 {
		change = events.JobCreated
	}
	seq, err = h.bus.PutJob(h.Context(), events.JobEvent{Event: change, Job: events.Job{
		ID: id, Username: "ann", Name: name, Status: events.Enabled, Parameters: masked, Secrets: secrets,
	}}, seq)
	if err != nil {
		h.Fatal(err)
	}
	return seq
}

func hook(url string) string {
	return `{"webhook_config":{"url":"` + url + `","headers":{"Authorization":"Bearer h1dden","webhook-id":"mine"}}}`
}

// ended stores the end of a run of the built-in runner.
func (h *harness) ended(job string, status events.Status, message string) events.RunEvent {
	h.Helper()
	h.runs++
	return h.endedAs(fmt.Sprint(h.runs), job, status, message)
}

func (h *harness) endedAs(key, job string, status events.Status, message string) events.RunEvent {
	h.Helper()
	id := events.FlowJobID("ann", job+key)
	if _, _, err := h.bus.AcceptRun(h.Context(), "local", events.Run{FlowJobID: id, JobID: job, Owner: "ann"}); err != nil {
		h.Error(err)
	}
	ev := events.RunEvent{
		Phase: events.Ended, At: time.Now().UTC(), StartedAt: time.Now().UTC(), FlowJobID: id, TriggerID: "manual:" + job + ":1", JobID: job, Owner: "ann",
		InputDir: "a/b/fs/D/in", OutputFolder: "a/b/fs/D/out", Attempt: 1, Status: status, Message: message,
	}
	if err := h.bus.PutRunEvent(h.Context(), ev, 0); err != nil {
		h.Error(err)
	}
	return ev
}

// settled waits until every notification is off a queue.
func (h *harness) settled(queue string) {
	h.Helper()
	ended, _, err := h.bus.Runs(events.Ended, "").Last(h.Context())
	newest, of := ended.Sequence, h.bus.Runs(events.Ended, "").Stream()
	if queue == "notify-email-dead" {
		var letter jet.Entry[events.DeadLetter]
		letter, _, err = h.bus.DeadLetters("").Last(h.Context())
		newest, of = letter.Sequence, h.bus.DeadLetters("").Stream()
	}
	if err != nil {
		h.Fatal(err)
	}
	eventstest.Eventually(h, "every notification is settled", func() bool {
		cons, err := h.js.Consumer(h.Context(), of, queue)
		return err == nil && cons.CachedInfo().NumAckPending == 0 && cons.CachedInfo().AckFloor.Stream >= newest
	})
}

// undelivered waits for the record that a notification of a run was given up.
func (h *harness) undelivered(channel events.Channel, ev events.RunEvent) string {
	h.Helper()
	var m jet.Entry[events.RunEvent]
	eventstest.Eventually(h, "the notification is given up", func() bool {
		var found bool
		var err error
		m, found, err = h.bus.RunUndelivered(ev.JobID, ev.FlowJobID, channel).Last(h.Context())
		return err == nil && found
	})
	last, err := m.Value()
	if err != nil || last.Phase != events.Undelivered || last.Channel != channel || last.OutputFolder != ev.OutputFolder {
		h.Errorf("recorded %+v, %v", last, err)
	}
	return last.Message
}

// figure reads a counter of a channel.
func (h *harness) figure(channel, outcome string) float64 {
	h.Helper()
	families, err := h.metrics.Gather()
	if err != nil {
		h.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		for _, m := range f.Metric {
			labels := map[string]string{}
			for _, l := range m.Label {
				labels[l.GetName()] = l.GetValue()
			}
			if f.GetName() == "spool_notify_deliveries_total" && labels["channel"] == channel && labels["outcome"] == outcome {
				sum += m.Counter.GetValue()
			}
		}
	}
	return sum
}

// call is one request that a receiver got.
type call struct {
	*http.Request
	body []byte
}

func (c call) payload(t *testing.T) map[string]any {
	t.Helper()
	v := map[string]any{}
	if err := json.Unmarshal(c.body, &v); err != nil {
		t.Errorf("body %q: %v", c.body, err)
	}
	return v
}

// receiver answers requests and keeps them.
func (h *harness) receiver(answer http.HandlerFunc) (url string, calls chan call) {
	calls = make(chan call, 10_000)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body := make([]byte, q.ContentLength)
		for n := 0; n < len(body); {
			m, err := q.Body.Read(body[n:])
			if n += m; err != nil {
				break
			}
		}
		calls <- call{q, body}
		answer(w, q)
	}))
	h.Cleanup(s.Close)
	return s.URL, calls
}

func status(codes ...int) http.HandlerFunc {
	var mu sync.Mutex
	return func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		code := codes[0]
		if len(codes) > 1 {
			codes = codes[1:]
		}
		w.WriteHeader(code)
	}
}

// next waits for a request.
func (h *harness) next(calls chan call) call {
	h.Helper()
	select {
	case c := <-calls:
		return c
	case <-time.After(time.Minute):
		h.Fatal("no request came within a minute")
		panic("unreachable")
	}
}
