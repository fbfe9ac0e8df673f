package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
	"spool.internal/events/seal"
	"spool.internal/gateway"
)

// TestMain looks for goroutines of this module that outlive the tests.
func TestMain(m *testing.M) { os.Exit(eventstest.Main(m)) }

// record is a log that can be searched, and is shown with the test.
type record struct {
	mu   sync.Mutex
	text bytes.Buffer
	out  io.Writer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.text.Write(p)
	return r.out.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// harness is a broker on disk, a connection to it, and a gateway on HTTP.
type harness struct {
	t      testing.TB
	store  string // the broker's folder
	bytes  int64  // that the broker may use
	sync   bool   // whether it syncs every message
	broker *eventstest.Server
	bus    *jet.Bus
	keys   *jet.Keyring
	key    *seal.Key // the dispatcher's; nil = it has never started
	log    *record
	config gateway.Config
	base   string // URL of the API
	admin  string // the admin token

	gateway *gateway.Gateway
	stop    func() error // ends the gateway and gives what Run returned
}

type option func(*harness)

// withConfig changes the gateway's configuration.
func withConfig(f func(*gateway.Config)) option { return func(s *harness) { f(&s.config) } }

// withoutSealKey leaves the dispatcher unheard of.
func withoutSealKey(s *harness) { s.key = nil }

func newHarness(t testing.TB, options ...option) *harness {
	t.Helper()
	key, err := seal.Load(filepath.Join(t.TempDir(), "seal.key"))
	if err != nil {
		t.Fatal(err)
	}
	s := &harness{t: t, store: t.TempDir(), key: key, log: &record{out: t.Output()}}
	log := slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s.config = gateway.Config{DataDir: filepath.Join(t.TempDir(), "data"), Version: "0.0-test", Log: log}
	for _, o := range options {
		o(s)
	}
	s.broker = eventstest.Start(t, eventstest.Options{Dir: s.store, Store: s.bytes, Sync: s.sync})
	if s.bus, err = jet.Connect(t.Context(), jet.Options{Server: s.broker, Name: "gateway", Log: log}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		_ = s.bus.Close(ctx)
	})
	s.keys = jet.NewKeyring(s.bus)
	s.background(s.keys.Run)
	s.config.Bus, s.config.Keys = s.bus, s.keys
	if s.key != nil {
		if err := s.bus.PutSealKey(t.Context(), s.key.Public); err != nil {
			t.Fatal(err)
		}
	}
	s.start()
	return s
}

// background runs f until the test ends, and waits for it then.
func (s *harness) background(f func(context.Context) error) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	var err error
	wg.Go(func() { err = f(ctx) })
	stop = func() error {
		cancel()
		wg.Wait()
		return err
	}
	s.t.Cleanup(func() { _ = stop() })
	return stop
}

// start starts a gateway; an earlier one is to be stopped before.
func (s *harness) start() {
	s.t.Helper()
	var err error
	if s.gateway, err = gateway.New(s.config); err != nil {
		s.t.Fatal(err)
	}
	s.stop = s.background(s.gateway.Run)
	eventstest.Eventually(s.t, "ready", func() bool { return s.gateway.Check() == nil })
	text, err := os.ReadFile(filepath.Join(s.config.DataDir, "admin.token"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.admin = strings.TrimSuffix(string(text), "\n")
	s.serve(s.gateway)
}

// serve puts a gateway on HTTP and makes it the one that is asked.
func (s *harness) serve(g *gateway.Gateway) {
	server := httptest.NewServer(underContract(s.t, g.Handler()))
	s.t.Cleanup(server.Close)
	s.base = server.URL
}

// user gives a token of a new user.
func (s *harness) user(name string, role events.Role) string {
	s.t.Helper()
	token, text := events.NewToken(name, role, time.Now())
	s.enter(token, text)
	return text
}

func (s *harness) enter(token events.Token, text string) {
	s.t.Helper()
	if err := s.bus.PutToken(s.t.Context(), token); err != nil {
		s.t.Fatal(err)
	}
	eventstest.Eventually(s.t, "token known", func() bool {
		_, err := s.keys.Verify(text, token.Created)
		return err == nil
	})
}

// answer is one answer of the API.
type answer struct {
	code   int
	header http.Header
	body   []byte
}

// status and msg read the v1 conventions.
func (a answer) status() string { return a.field("status") }
func (a answer) msg() string    { return a.field("msg") }

func (a answer) field(key string) string {
	var m map[string]any
	_ = json.Unmarshal(a.body, &m)
	s, _ := m[key].(string)
	return s
}

// send makes a request as Python's requests does: data=… has no Content-Type.
func (s *harness) send(method, path, token, body string, edit ...func(*http.Request)) answer {
	s.t.Helper()
	var data io.Reader
	if body != "" {
		data = strings.NewReader(body)
	}
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.base+path, data)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("User-Agent", "python-requests/2.32.3")
	r.Header.Set("Accept-Encoding", "gzip, deflate")
	r.Header.Set("Accept", "*/*")
	r.Header.Set("Connection", "keep-alive")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for _, f := range edit {
		f(r)
	}
	resp, err := noRedirects.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, got}
}

var noRedirects = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

const v1Path = "/api/v1/scheduler/"

// post calls one of the six as the admin and wants OK.
func (s *harness) post(call, body string) answer {
	s.t.Helper()
	return s.ok(s.send(http.MethodPost, v1Path+call, s.admin, body))
}

func (s *harness) ok(a answer) answer {
	s.t.Helper()
	if a.code != http.StatusOK || a.status() != "OK" {
		s.t.Fatalf("answer %d %s; want OK", a.code, a.body)
	}
	return a
}

// create makes a plain job and gives its id.
func (s *harness) create(token, name string) string {
	s.t.Helper()
	a := s.ok(s.send(http.MethodPost, v1Path+"create_job", token, plainJob(name)))
	return a.field("job_id")
}

func plainJob(name string) string {
	return `{"name":"` + name + `","schedule":"@daily","flow_parameters":{"auth_token":"t0ps3cret",` +
		`"binary_path":"admin/repo/fs/Drive/flow.ibflowbin","input_dir":"admin/repo/fs/Drive/in"}}`
}

type listedJob struct {
	ID          string          `json:"job_id"`
	Username    string          `json:"username"`
	Status      string          `json:"status"`
	Name        string          `json:"name"`
	CreatedOnNS string          `json:"created_on_ns"`
	Parameters  json.RawMessage `json:"job_parameters"`
	Results     []struct {
		TimeInNS string `json:"timeInNS"`
		Status   string `json:"status"`
		HTTP     struct {
			Status   string `json:"status"`
			Response string `json:"response"`
		} `json:"http_result"`
	} `json:"results"`
}

// list calls list_jobs and wants OK.
func (s *harness) list(token, query string) (jobs []listedJob, next string) {
	s.t.Helper()
	a := s.ok(s.send(http.MethodGet, v1Path+"list_jobs"+query, token, ""))
	var v struct {
		Jobs []listedJob `json:"jobs"`
		Next string      `json:"next_page_token"`
	}
	if err := json.Unmarshal(a.body, &v); err != nil {
		s.t.Fatalf("%v: %s", err, a.body)
	}
	return v.Jobs, v.Next
}

func names(jobs []listedJob) string {
	var list []string
	for _, j := range jobs {
		list = append(list, j.Name)
	}
	return strings.Join(list, " ")
}
