package stream_test

import (
	"bufio"
	"cmp"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
	"spool.internal/gateway/v2/stream"
)

// TestMain looks for goroutines of this module that outlive the tests.
func TestMain(m *testing.M) { os.Exit(eventstest.Main(m)) }

// picture is the jobs as a service keeps them.
type picture struct {
	feed *jet.JobFeed
	mu   sync.Mutex
	jobs map[string]events.Job
}

func newPicture(b *jet.Bus) *picture {
	p := &picture{jobs: map[string]events.Job{}}
	p.feed = jet.NewJobFeed(b, func(rev events.JobRevision) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.jobs[rev.Event.Job.ID] = rev.Event.Job; rev.Gone() {
			delete(p.jobs, rev.Event.Job.ID)
		}
	})
	return p
}

func (p *picture) Refresh(ctx context.Context) error {
	_, err := p.feed.Barrier(ctx)
	return err
}

func (p *picture) Job(id string) (events.Job, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	job, ok := p.jobs[id]
	return job, ok
}

// harness is a broker, and a stream on HTTP whose clients say by a header who they are.
type harness struct {
	t      testing.TB
	broker *eventstest.Server
	bus    *jet.Bus
	config stream.Config
	stream *stream.Stream
	url    string
	stop   func() // ends the stream's Run

	mu      sync.Mutex
	revoked map[string]bool // users whose token is not valid any more
}

func newHarness(t testing.TB) *harness {
	t.Helper()
	r := &harness{t: t, broker: eventstest.Start(t, eventstest.Options{}), revoked: map[string]bool{}}
	r.bus = eventstest.Connect(t, r.broker)
	jobs := newPicture(r.bus)
	r.background(jobs.feed.Run)
	r.config = stream.Config{
		Bus: r.bus, Jobs: jobs, Log: eventstest.Log(t), Recheck: 20 * time.Millisecond,
		Token: func(q *http.Request) events.Token {
			user, role, _ := strings.Cut(q.Header.Get("Authorization"), "/")
			return events.Token{Owner: user, Role: events.Role(role)}
		},
		Verify: func(q *http.Request) error {
			r.mu.Lock()
			defer r.mu.Unlock()
			if r.revoked[q.Header.Get("Authorization")] {
				return events.Faultf(events.Unauthorized, "", "the token is not valid")
			}
			return nil
		},
	}
	r.start()
	return r
}

func (r *harness) background(f func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = f(ctx) })
	stop = func() {
		cancel()
		wg.Wait()
	}
	r.t.Cleanup(stop)
	return stop
}

// start puts another stream on HTTP, as another gateway would.
func (r *harness) start() {
	r.t.Helper()
	r.stream = stream.New(r.config)
	routes := mux.NewRouter()
	r.stream.Routes(routes)
	server := httptest.NewUnstartedServer(routes)
	server.Config.ReadTimeout = time.Second // as the gateway's listener has one
	server.Start()
	r.t.Cleanup(server.Close)
	r.url = server.URL + stream.Path
	r.stop = r.background(r.stream.Run)
	eventstest.Eventually(r.t, "following", func() bool { return r.stream.Check() == nil })
}

// job stores a new job and gives its id.
func (r *harness) job(owner string) string {
	r.t.Helper()
	job := events.Job{ID: uuid.NewString(), Username: owner, Name: "job", Secrets: map[string]string{"/x": "sealed-box"}}
	r.put(events.JobEvent{Event: events.JobCreated, By: owner, Job: job}, 0)
	return job.ID
}

func (r *harness) put(ev events.JobEvent, expect uint64) {
	r.t.Helper()
	if _, err := r.bus.PutJob(r.t.Context(), ev, expect); err != nil {
		r.t.Fatal(err)
	}
}

func (r *harness) result(jobID, response string) {
	r.t.Helper()
	err := r.bus.PutResult(r.t.Context(), events.Result{
		JobID: jobID, TriggerID: "manual:" + jobID + ":" + uuid.NewString(), HTTP: events.HTTPResult{Response: response},
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *harness) run(jobID, owner string) {
	r.t.Helper()
	err := r.bus.PutRunEvent(r.t.Context(), events.RunEvent{
		Phase: events.Ended, FlowJobID: uuid.NewString(), JobID: jobID, Owner: owner, Status: events.OK,
	}, 0)
	if err != nil {
		r.t.Fatal(err)
	}
}

// frame is one server-sent event.
type frame struct{ name, id, data string }

// listener is a client of the stream.
type listener struct {
	t      testing.TB
	lines  *bufio.Scanner
	id     string // of the last event, or comment, that came whole
	cancel func()
}

func (r *harness) ask(who, query, lastID string) (*http.Response, func()) {
	r.t.Helper()
	ctx, cancel := context.WithCancel(r.t.Context())
	r.t.Cleanup(cancel)
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url+query, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	q.Header.Set("Authorization", who)
	if lastID != "" {
		q.Header.Set("Last-Event-ID", lastID)
	}
	resp, err := http.DefaultClient.Do(q)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = resp.Body.Close() })
	return resp, cancel
}

func newListener(t testing.TB, resp *http.Response) *listener {
	l := &listener{t: t, lines: bufio.NewScanner(resp.Body)}
	l.lines.Buffer(nil, 1<<20)
	return l
}

// listen opens a stream and reads its beginning.
func (r *harness) listen(who, query, lastID string) *listener {
	r.t.Helper()
	resp, cancel := r.ask(who, query, lastID)
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
		r.t.Fatalf("answer %d %v", resp.StatusCode, resp.Header)
	}
	l := newListener(r.t, resp)
	l.cancel = cancel
	if !l.lines.Scan() || l.lines.Text() != "retry: 1000" {
		r.t.Fatalf("the stream begins with %q", l.lines.Text())
	}
	if l.block() == nil && l.id == "" {
		r.t.Fatal("the stream begins without an id")
	}
	return l
}

// block reads up to the next empty line: an event, or nil for what is none.
// At the end of the stream it is the zero frame.
func (l *listener) block() *frame {
	var f frame
	for l.lines.Scan() {
		line := l.lines.Text()
		key, value, _ := strings.Cut(line, ": ")
		switch key {
		case "event":
			f.name = value
		case "id":
			f.id = value
		case "data":
			f.data = value
		case "":
			if line != "" {
				continue // a comment
			}
			if l.id = cmp.Or(f.id, l.id); f.name == "" {
				return nil
			}
			return &f
		}
	}
	return &frame{}
}

// next reads the next event.
func (l *listener) next() frame {
	for {
		if f := l.block(); f != nil {
			return *f
		}
	}
}

// want reads an event of a name whose data contains a text.
func (l *listener) want(name, text string) frame {
	l.t.Helper()
	f := l.next()
	if f.name != name || !strings.Contains(f.data, text) {
		l.t.Fatalf("event %q %s; want %s with %q", f.name, f.data, name, text)
	}
	return f
}
