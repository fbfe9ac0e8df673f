package dispatcher

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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

const parameters = `{"name":"n","schedule":"@daily","flow_parameters":{"auth_token":"s3cret","binary_path":"a/b/fs/D/f",` +
	`"input_dir":"a/b/fs/D/in","settings":{"tags":["x"],"webhook_config":{"headers":{"X-Key":"h1dden"}}}},"spool":{"retry_for":"RETRY"}}`

// harness is a dispatcher between a real server and a real endpoint.
type harness struct {
	*testing.T
	bus *jet.Bus
	key *seal.Key
	cfg Config
	srv *eventstest.Server
}

func newHarness(t *testing.T, endpoint http.HandlerFunc) *harness {
	key, err := seal.Load(filepath.Join(t.TempDir(), "seal.key"))
	if err != nil {
		t.Fatal(err)
	}
	h := &harness{T: t, key: key, srv: eventstest.Start(t, eventstest.Options{})}
	h.bus = eventstest.Connect(t, h.srv)
	url := "http://127.0.0.1:1" // refuses connections
	if endpoint != nil {
		s := httptest.NewServer(endpoint)
		t.Cleanup(s.Close)
		url = s.URL
	}
	h.cfg = Config{
		Bus: h.bus, SealKey: key, RunBinaryURL: url + events.RunBinaryPath, CallTimeout: 5 * time.Second, Log: eventstest.Log(t),
		RetryWaits: []time.Duration{50 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond}, ProbeEvery: 100 * time.Millisecond,
	}
	return h
}

// run runs a dispatcher until the test ends or stop is called.
func (h *harness) run() (stop func()) {
	h.Helper()
	_, stop = h.dispatcher()
	return stop
}

// dispatcher is the same, and returns the dispatcher too.
func (h *harness) dispatcher() (d *Dispatcher, stop func()) {
	h.Helper()
	d, err := New(h.cfg)
	if err != nil {
		h.Fatal(err)
	}
	return d, eventstest.Background(h, d.Run)
}

func (h *harness) job(id, retryFor string, edit func(string) string) uint64 {
	h.Helper()
	text := strings.Replace(parameters, "RETRY", retryFor, 1)
	if edit != nil {
		text = edit(text)
	}
	o, err := events.ParseObject([]byte(text))
	if err != nil {
		h.Fatal(err)
	}
	masked, secrets, err := events.Conceal(o, func(pointer, value string) (string, error) {
		return h.key.Public.Seal(value, id, pointer)
	})
	if err != nil {
		h.Fatal(err)
	}
	seq, err := h.bus.PutJob(h.Context(), events.JobEvent{Event: events.JobCreated, Job: events.Job{
		ID: id, Username: "ann lee", Status: events.Enabled, Parameters: masked, Secrets: secrets,
	}}, 0)
	if err != nil {
		h.Fatal(err)
	}
	return seq
}

func (h *harness) trigger(job, id string, seq uint64) events.Trigger {
	h.Helper()
	t := events.Trigger{ID: events.ManualTriggerID(job, id), JobID: job, Kind: events.KindManual, JobSeq: seq, At: time.Now()}
	if _, err := h.bus.PutTrigger(h.Context(), events.KindManual, t); err != nil {
		h.Fatal(err)
	}
	return t
}

// patience is generous: hundreds of redelivered triggers, each of which is looked up among all results, take a busy
// machine half a minute under the race detector.
const patience = 3 * time.Minute

// results waits until a job has n results, and then for its queues to be empty.
func (h *harness) results(job string, n int) []events.Result {
	h.Helper()
	var list []events.Result
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		list = nil
		err := h.bus.Results(job).Since(h.Context(), time.Time{}, func(m jet.Entry[events.Result]) bool {
			res, err := m.Value()
			if err != nil {
				h.Fatal(err)
			}
			list = append(list, res)
			return true
		})
		if err != nil {
			continue // the server may be restarting
		}
		left, err1 := h.bus.Triggers("", "").Count(h.Context())
		files, err2 := h.bus.Files("").Count(h.Context())
		if len(list) >= n && err1 == nil && err2 == nil && left+files == 0 {
			return list
		}
	}
	left, _ := h.bus.Triggers("", "").Count(h.Context())
	files, _ := h.bus.Files("").Count(h.Context())
	h.Fatalf("job %s has %d results after %v, want %d; still queued: %v %v", job, len(list), patience, n, left, files)
	return nil
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body) //nolint:errcheck // a test's answer
	}
}

func (h *harness) verdicts(job string) (all []events.Verdict) {
	h.Helper()
	if err := h.bus.Verdicts(job).Since(h.Context(), time.Time{}, func(m jet.Entry[events.Verdict]) bool {
		v, err := m.Value()
		if err != nil {
			h.Error(err)
		}
		all = append(all, v)
		return true
	}); err != nil {
		h.Fatal(err)
	}
	return all
}

func spooled(s string) string {
	return strings.Replace(s, `"settings":{`, `"settings":{"spooled_mode":true,`, 1)
}

func (h *harness) runEvents(p events.Phase) map[string]events.RunEvent {
	h.Helper()
	all := map[string]events.RunEvent{}
	_ = h.bus.Runs(p, "").Since(h.Context(), time.Time{}, func(m jet.Entry[events.RunEvent]) bool {
		ev, err := m.Value()
		if err != nil {
			h.Error(err)
		}
		if _, twice := all[ev.FlowJobID]; twice {
			h.Errorf("two events %s of %s", p, ev.FlowJobID)
		}
		all[ev.FlowJobID] = ev
		return true
	})
	return all
}
