//go:build linux || darwin

package runner

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/mux"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
	"spool.internal/services/runner/cell"
	"spool.internal/services/runner/process"
)

const (
	theDrive  = "admin/repo/fs/Instabase Drive"
	theSecret = "the secret of the dispatcher"
	patience  = 60 * time.Second // before a condition that never comes fails its test
)

// harness is everything that a runner needs, real, and an eye on what it publishes.
type harness struct {
	t      testing.TB
	server *eventstest.Server
	bus    *jet.Bus
	keys   *jet.Keyring
	base   string // host folder of all drives
	data   string
	drives *drive.Drives
	token  map[events.Role]string
}

func newHarness(t testing.TB, o eventstest.Options) *harness {
	t.Helper()
	h := &harness{t: t, server: eventstest.Start(t, o), base: t.TempDir(), data: t.TempDir(), token: map[events.Role]string{}}
	h.bus = eventstest.Connect(t, h.server)
	h.keys = jet.NewKeyring(h.bus)
	h.background(h.keys.Run)
	for role, owner := range map[events.Role]string{events.Admin: "admin", events.Operator: "olga", events.Viewer: "vera"} {
		token, text := events.NewToken(owner, role, time.Now())
		if err := h.bus.PutToken(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		h.token[role] = text
		h.eventually("the token is known", func() bool { _, err := h.keys.Verify(text, time.Now()); return err == nil })
	}
	var err error
	if h.drives, err = drive.New(h.base, nil); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(h.host("in"), 0o755); err != nil {
		t.Fatal(err)
	}
	return h
}

// background runs f until the test ends, or until stop is called, and waits for its end.
func (h *harness) background(f func(context.Context) error) (stop func()) {
	return eventstest.Background(h.t, f)
}

func (h *harness) runner(change func(*Config)) *Runner {
	h.t.Helper()
	cfg := Config{
		Bus: h.bus, Keys: h.keys, Drives: h.drives, DataDir: h.data, Workers: 4, Secret: theSecret,
		Sandbox: SandboxOff, Log: eventstest.Log(h.t),
	}
	if change != nil {
		change(&cfg)
	}
	r, err := New(cfg)
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

// shut makes a runner that shuts flows in, as far as this kernel can.
func (h *harness) shut(change func(*Config)) *Runner {
	h.t.Helper()
	return h.runner(func(c *Config) {
		c.Sandbox = SandboxBestEffort
		if change != nil {
			change(c)
		}
	})
}

func (h *harness) serve(r *Runner) *httptest.Server {
	router := mux.NewRouter()
	r.Routes(router)
	s := httptest.NewServer(router)
	h.t.Cleanup(s.Close)
	return s
}

// logical and host give the two paths of a name in the drive.
func logical(name string) string              { return theDrive + "/" + name }
func (h *harness) host(name string) string    { return filepath.Join(h.base, theDrive, name) }
func (h *harness) read(name string) string    { b, _ := os.ReadFile(h.host(name)); return string(b) }
func (h *harness) exists(name string) bool    { _, err := os.Stat(h.host(name)); return err == nil }
func (h *harness) lines(name string) []string { return strings.Fields(h.read(name)) }

func (h *harness) write(name, text string, mode os.FileMode) {
	h.t.Helper()
	if err := os.MkdirAll(filepath.Dir(h.host(name)), 0o755); err != nil {
		h.t.Fatal(err)
	}
	if err := os.WriteFile(h.host(name), []byte(text), mode); err != nil {
		h.t.Fatal(err)
	}
}

// flow writes an executable shell script into the drive.
func (h *harness) flow(name, script string) {
	h.t.Helper()
	h.write(name, "#!/bin/sh\n"+script+"\n", 0o755)
}

// program is what the harness starts flows from.
func (h *harness) program() process.Program {
	h.t.Helper()
	p, err := process.New(h.data)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(p.Close)
	return p
}

// load gives a warm process the command to run the flow "flow" on "in".
func (h *harness) load(f *process.Flow, to io.Writer) error {
	h.t.Helper()
	in, err := os.Open(h.host("in"))
	if err != nil {
		h.t.Fatal(err)
	}
	defer in.Close()
	return f.Load(cell.Command{
		Argv: []string{h.host("flow"), h.host("in"), h.host("in")}, Places: []cell.Place{{Path: h.host("in"), Real: h.host("in"), Access: cell.Read}},
	}, []*os.File{in}, nil, to)
}

// reply is an answer over HTTP.
type reply struct {
	status int
	header http.Header
	events.RunAnswer
}

// ask makes a run-binary call as a job's dispatcher does, with headers changed or taken out.
func (h *harness) ask(url, key, body string, headers map[string]string) reply {
	h.t.Helper()
	set := map[string]string{
		events.HeaderKey: key, events.HeaderDispatcher: theSecret, events.HeaderJobID: "job-1", events.HeaderOwner: "J%C3%BCrgen%20M",
		"Authorization": "Bearer <oauth token>",
	}
	maps.Copy(set, headers)
	resp, text := h.exchange(http.MethodPost, url+events.RunBinaryPath, body, set)
	a := reply{status: resp.StatusCode, header: resp.Header}
	if err := json.Unmarshal(text, &a.RunAnswer); err != nil {
		h.t.Fatalf("an answer that is not JSON: %s", text)
	}
	return a
}

// exchange makes a request with these headers, but for empty ones, and returns its answer.
func (h *harness) exchange(method, url, body string, headers map[string]string) (*http.Response, []byte) {
	h.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, url, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	for k, v := range headers {
		if v != "" {
			req.Header.Set(k, v)
		}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return resp, text
}

// body is that of a call for a flow on the folder "in".
func body(flow, settings string) string {
	return string(events.Encode(map[string]any{
		"binary_path": logical(flow), "input_dir": logical("in"), "settings": json.RawMessage(settings),
	}))
}

// accept queues a run and gives its id.
func (h *harness) accept(url, key, flow, settings string) string {
	h.t.Helper()
	a := h.ask(url, key, body(flow, settings), nil)
	if a.status != http.StatusOK || a.Status != events.OK {
		h.t.Fatalf("not accepted: %+v", a)
	}
	return a.Data.JobID
}

// history gives all events of runs, oldest first.
func (h *harness) history(flowJobID string) []events.RunEvent {
	h.t.Helper()
	var all []events.RunEvent
	err := h.bus.Runs("", "").Since(h.t.Context(), time.Time{}, func(m jet.Entry[events.RunEvent]) bool {
		ev, err := m.Value()
		if err != nil {
			h.t.Error(err)
		}
		if flowJobID == "" || ev.FlowJobID == flowJobID {
			all = append(all, ev)
		}
		return true
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return all
}

// phase counts the events of one phase of a run and gives the newest.
func (h *harness) phase(p events.Phase, flowJobID string) (n int, newest events.RunEvent) {
	h.t.Helper()
	for _, ev := range h.history(flowJobID) {
		if ev.Phase == p {
			n, newest = n+1, ev
		}
	}
	return n, newest
}

// until waits for a phase of a run.
func (h *harness) until(p events.Phase, flowJobID string) (ev events.RunEvent) {
	h.t.Helper()
	h.eventually("a run has "+string(p), func() bool {
		var seq uint64
		var err error
		ev, seq, err = h.bus.RunEvent(h.t.Context(), p, "job-1", flowJobID)
		return err == nil && seq > 0
	})
	return ev
}

// drained waits until nothing is queued any more.
func (h *harness) drained() {
	h.t.Helper()
	h.eventually("the queue is empty", func() bool {
		left, err := h.bus.RunQueue("").Count(h.t.Context())
		return err == nil && left == 0
	})
}

func (h *harness) eventually(what string, f func() bool) {
	h.t.Helper()
	eventstest.Eventually(h.t, what, f)
}

// relay lets other processes reach the harness's server, as long as it is not cut.
type relay struct {
	url    string
	ln     net.Listener
	server *eventstest.Server
	wg     sync.WaitGroup

	mu    sync.Mutex
	isCut bool
	conns map[net.Conn]bool
}

func (h *harness) relay() *relay {
	h.t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		h.t.Fatal(err)
	}
	r := &relay{url: "nats://" + ln.Addr().String(), ln: ln, server: h.server, conns: map[net.Conn]bool{}}
	r.wg.Go(r.accept)
	h.t.Cleanup(func() {
		ln.Close()
		r.cut(true)
		r.wg.Wait()
	})
	return r
}

func (r *relay) accept() {
	for {
		theirs, err := r.ln.Accept()
		if err != nil {
			return
		}
		ours, err := r.server.InProcessConn()
		r.mu.Lock()
		if err != nil || r.isCut {
			theirs.Close()
			if ours != nil {
				ours.Close()
			}
			r.mu.Unlock()
			continue
		}
		r.conns[theirs], r.conns[ours] = true, true
		r.mu.Unlock()
		pipe := func(to, from net.Conn) {
			io.Copy(to, from) //nolint:errcheck // either end may go at any time
			to.Close()
			from.Close()
		}
		r.wg.Go(func() { pipe(ours, theirs) })
		r.wg.Go(func() { pipe(theirs, ours) })
	}
}

// cut breaks all connections and refuses new ones, until it is mended.
func (r *relay) cut(isCut bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.isCut = isCut
	for c := range r.conns {
		c.Close()
	}
	r.conns = map[net.Conn]bool{}
}

// connect gives a bus over the relay, closed at the end of the test at the latest.
func (h *harness) connect(r *relay) (bus *jet.Bus, closeBus func()) {
	h.t.Helper()
	bus, err := jet.Connect(h.t.Context(), jet.Options{URL: r.url, Name: "relayed", Log: eventstest.Log(h.t)})
	if err != nil {
		h.t.Fatal(err)
	}
	closeBus = sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		_ = bus.Close(ctx)
	})
	h.t.Cleanup(closeBus)
	return bus, closeBus
}
