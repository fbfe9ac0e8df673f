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

// lab is everything that a runner needs, real, and an eye on what it publishes.
type lab struct {
	t      testing.TB
	server *eventstest.Server
	bus    *jet.Bus
	keys   *jet.Keyring
	base   string // host folder of all drives
	data   string
	drives *drive.Drives
	token  map[events.Role]string
}

func newLab(t testing.TB, o eventstest.Options) *lab {
	t.Helper()
	l := &lab{t: t, server: eventstest.Start(t, o), base: t.TempDir(), data: t.TempDir(), token: map[events.Role]string{}}
	l.bus = eventstest.Connect(t, l.server)
	l.keys = jet.NewKeyring(l.bus)
	l.background(l.keys.Run)
	for role, owner := range map[events.Role]string{events.Admin: "admin", events.Operator: "olga", events.Viewer: "vera"} {
		token, text := events.NewToken(owner, role, time.Now())
		if err := l.bus.PutToken(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		l.token[role] = text
		l.eventually("the token is known", func() bool { _, err := l.keys.Verify(text, time.Now()); return err == nil })
	}
	var err error
	if l.drives, err = drive.New(l.base, nil); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(l.host("in"), 0o755); err != nil {
		t.Fatal(err)
	}
	return l
}

// background runs f until the test ends, or until stop is called, and waits for its end.
func (l *lab) background(f func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				l.t.Error(err)
			}
		case <-time.After(patience):
			l.t.Error("something that was stopped goes on")
		}
	})
	l.t.Cleanup(stop)
	return stop
}

func (l *lab) runner(change func(*Config)) *Runner {
	l.t.Helper()
	cfg := Config{
		Bus: l.bus, Keys: l.keys, Drives: l.drives, DataDir: l.data, Workers: 4, Secret: theSecret,
		Sandbox: SandboxOff, Log: eventstest.Log(l.t),
	}
	if change != nil {
		change(&cfg)
	}
	r, err := New(cfg)
	if err != nil {
		l.t.Fatal(err)
	}
	return r
}

// shut makes a runner that shuts flows in, as far as this kernel can.
func (l *lab) shut(change func(*Config)) *Runner {
	l.t.Helper()
	return l.runner(func(c *Config) {
		c.Sandbox = SandboxBestEffort
		if change != nil {
			change(c)
		}
	})
}

func (l *lab) serve(r *Runner) *httptest.Server {
	router := mux.NewRouter()
	r.Routes(router)
	s := httptest.NewServer(router)
	l.t.Cleanup(s.Close)
	return s
}

// logical and host give the two paths of a name in the drive.
func logical(name string) string          { return theDrive + "/" + name }
func (l *lab) host(name string) string    { return filepath.Join(l.base, theDrive, name) }
func (l *lab) read(name string) string    { b, _ := os.ReadFile(l.host(name)); return string(b) }
func (l *lab) exists(name string) bool    { _, err := os.Stat(l.host(name)); return err == nil }
func (l *lab) lines(name string) []string { return strings.Fields(l.read(name)) }

func (l *lab) write(name, text string, mode os.FileMode) {
	l.t.Helper()
	if err := os.MkdirAll(filepath.Dir(l.host(name)), 0o755); err != nil {
		l.t.Fatal(err)
	}
	if err := os.WriteFile(l.host(name), []byte(text), mode); err != nil {
		l.t.Fatal(err)
	}
}

// flow writes an executable shell script into the drive.
func (l *lab) flow(name, script string) {
	l.t.Helper()
	l.write(name, "#!/bin/sh\n"+script+"\n", 0o755)
}

// program is what the lab starts flows from.
func (l *lab) program() process.Program {
	l.t.Helper()
	p, err := process.New(l.data)
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(p.Close)
	return p
}

// load gives a process at its gate the command to run the flow "flow" on "in".
func (l *lab) load(f *process.Flow, to io.Writer) error {
	l.t.Helper()
	in, err := os.Open(l.host("in"))
	if err != nil {
		l.t.Fatal(err)
	}
	defer in.Close()
	return f.Load(cell.Command{
		Argv: []string{l.host("flow"), l.host("in"), l.host("in")}, Places: []cell.Place{{Path: l.host("in"), Real: l.host("in"), Access: cell.Read}},
	}, []*os.File{in}, nil, to)
}

// reply is an answer over HTTP.
type reply struct {
	status int
	header http.Header
	events.RunAnswer
}

// ask makes a run-binary call as a job's dispatcher does, with headers changed or taken out.
func (l *lab) ask(url, key, body string, headers map[string]string) reply {
	l.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url+events.RunBinaryPath, strings.NewReader(body))
	if err != nil {
		l.t.Fatal(err)
	}
	set := map[string]string{
		events.HeaderKey: key, events.HeaderDispatcher: theSecret, events.HeaderJobID: "job-1", events.HeaderOwner: "J%C3%BCrgen%20M",
		"Authorization": "Bearer <oauth token>",
	}
	maps.Copy(set, headers)
	for k, v := range set {
		if v != "" {
			req.Header.Set(k, v)
		}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		l.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		l.t.Fatal(err)
	}
	a := reply{status: resp.StatusCode, header: resp.Header}
	if err := json.Unmarshal(text, &a.RunAnswer); err != nil {
		l.t.Fatalf("an answer that is not JSON: %s", text)
	}
	return a
}

// body is that of a call for a flow on the folder "in".
func body(flow, settings string) string {
	return string(events.Encode(map[string]any{
		"binary_path": logical(flow), "input_dir": logical("in"), "settings": json.RawMessage(settings),
	}))
}

// accept queues a run and gives its id.
func (l *lab) accept(url, key, flow, settings string) string {
	l.t.Helper()
	a := l.ask(url, key, body(flow, settings), nil)
	if a.status != http.StatusOK || a.Status != events.OK {
		l.t.Fatalf("not accepted: %+v", a)
	}
	return a.Data.JobID
}

// history gives all events of runs, oldest first.
func (l *lab) history(flowJobID string) []events.RunEvent {
	l.t.Helper()
	var all []events.RunEvent
	err := l.bus.Since(l.t.Context(), events.StreamRunEvents, events.AllRuns, time.Time{}, func(m jet.Stored) bool {
		var ev events.RunEvent
		if err := json.Unmarshal(m.Data, &ev); err != nil {
			l.t.Error(err)
		}
		if flowJobID == "" || ev.FlowJobID == flowJobID {
			all = append(all, ev)
		}
		return true
	})
	if err != nil {
		l.t.Fatal(err)
	}
	return all
}

// phase counts the events of one phase of a run and gives the newest.
func (l *lab) phase(p events.Phase, flowJobID string) (n int, newest events.RunEvent) {
	l.t.Helper()
	for _, ev := range l.history(flowJobID) {
		if ev.Phase == p {
			n, newest = n+1, ev
		}
	}
	return n, newest
}

// until waits for a phase of a run.
func (l *lab) until(p events.Phase, flowJobID string) (ev events.RunEvent) {
	l.t.Helper()
	l.eventually("a run has "+string(p), func() bool {
		var seq uint64
		var err error
		ev, seq, err = l.bus.RunEvent(l.t.Context(), p, "job-1", flowJobID)
		return err == nil && seq > 0
	})
	return ev
}

// drained waits until nothing is queued any more.
func (l *lab) drained() {
	l.t.Helper()
	l.eventually("the queue is empty", func() bool {
		left, err := l.bus.Subjects(l.t.Context(), events.StreamRuns, events.AllRunQueue)
		return err == nil && len(left) == 0
	})
}

func (l *lab) eventually(what string, f func() bool) {
	l.t.Helper()
	for deadline := time.Now().Add(patience); !f(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			l.t.Fatalf("it never came that %s", what)
		}
	}
}

// relay lets other processes reach the lab's server, as long as it is not cut.
type relay struct {
	url    string
	ln     net.Listener
	server *eventstest.Server
	wg     sync.WaitGroup

	mu    sync.Mutex
	isCut bool
	conns map[net.Conn]bool
}

func (l *lab) relay() *relay {
	l.t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		l.t.Fatal(err)
	}
	r := &relay{url: "nats://" + ln.Addr().String(), ln: ln, server: l.server, conns: map[net.Conn]bool{}}
	r.wg.Go(r.accept)
	l.t.Cleanup(func() {
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
func (l *lab) connect(r *relay) (bus *jet.Bus, closeBus func()) {
	l.t.Helper()
	bus, err := jet.Connect(l.t.Context(), jet.Options{URL: r.url, Name: "relayed", Log: eventstest.Log(l.t)})
	if err != nil {
		l.t.Fatal(err)
	}
	closeBus = sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		_ = bus.Close(ctx)
	})
	l.t.Cleanup(closeBus)
	return bus, closeBus
}
