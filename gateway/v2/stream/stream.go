package stream

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/mux"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/events/wait"
	"spool.internal/gateway/wire"
)

// Path is where the events are.
const Path = "/api/v2/events"

// Bus is where events are stored. A [jet.Bus] is one.
type Bus interface {
	FeedLast(ctx context.Context, f jet.Feed) (uint64, error)
	FeedAfter(ctx context.Context, f jet.Feed, after uint64, each func(jet.FeedEntry)) error
}

// Jobs is a cache of all jobs, which knows their owners.
type Jobs interface {
	// Refresh blocks until the cache includes every change acknowledged before the call.
	Refresh(ctx context.Context) error
	// Job finds one job.
	Job(id string) (events.Job, bool)
}

// Config is what the stream needs. Fields without a default are required.
type Config struct {
	Bus  Bus
	Jobs Jobs
	// Token is the one that a request was let in with.
	Token func(*http.Request) events.Token
	// Verify says whether that token is still good.
	Verify func(*http.Request) error
	// Heartbeat is how often an idle client gets a comment. 0 means 15 s.
	Heartbeat time.Duration
	// Recheck is how often a client's token is verified. 0 means 500 ms.
	Recheck time.Duration
	// Log takes the log.
	Log *slog.Logger
}

// Stream follows the broker's streams and serves their events.
type Stream struct {
	Config
	hub   *hub
	pages chan struct{} // places for clients that read what they missed

	settled atomic.Pointer[position] // where events were passed on up to a while ago

	states map[string]string // of the roles, by process: how each was when that was last passed on; of the one goroutine that follows them
}

// New wires a stream and starts nothing.
func New(c Config) *Stream {
	if c.Heartbeat == 0 {
		c.Heartbeat = 15 * time.Second
	}
	if c.Recheck == 0 {
		c.Recheck = 500 * time.Millisecond
	}
	return &Stream{Config: c, hub: newHub(), pages: make(chan struct{}, 16), states: map[string]string{}}
}

// Routes adds the API to a router. Who calls has been authenticated before, and
// HEAD arrives as HEAD.
func (s *Stream) Routes(r *mux.Router) {
	r.HandleFunc(Path, func(w http.ResponseWriter, r *http.Request) {
		if err := s.serve(w, r); err != nil {
			wire.Fail(w, s.Log, err)
		}
	}).Methods(http.MethodGet, http.MethodHead)
}

// Check says why no events are served now; nil means ready.
func (s *Stream) Check() error { return s.hub.check() }

// Run follows the streams until ctx ends; then it ends all clients.
func (s *Stream) Run(ctx context.Context) error {
	defer s.hub.stop()
	var wg sync.WaitGroup
	for i := range sources {
		wg.Go(func() { s.follow(ctx, i) })
	}
	wg.Go(func() { s.settle(ctx) })
	wg.Wait()
	return nil
}

// retry is how long one waits for a broker that is away.
const retry = 100 * time.Millisecond

func (s *Stream) follow(ctx context.Context, i int) {
	for ctx.Err() == nil {
		newest, err := s.Bus.FeedLast(ctx, sources[i].feed)
		if err == nil {
			s.hub.begin(i, newest)
			break
		}
		_ = wait.Sleep(ctx, retry) // the loop sees the end of ctx
	}
	for ctx.Err() == nil {
		// It ends early when it was cut off for so long that events may have expired
		// unseen; what is still there is passed on.
		_ = s.Bus.FeedAfter(ctx, sources[i].feed, s.hub.position()[i], func(m jet.FeedEntry) { s.pass(ctx, i, m) })
	}
}

func (s *Stream) pass(ctx context.Context, i int, m jet.FeedEntry) {
	if s.hub.idle(i, m.Sequence) {
		return
	}
	e := s.event(ctx, i, m)
	switch {
	case e == nil && ctx.Err() != nil:
	case e == nil || s.repeats(e):
		s.hub.skip(i, m.Sequence)
	default:
		s.hub.pass(e)
	}
}

// repeats reports whether a role says what it said before, which it does all the time.
func (s *Stream) repeats(e *event) bool {
	if e.instance == "" {
		return false
	}
	before, known := s.states[e.instance]
	if len(s.states) > 10_000 {
		clear(s.states) // of processes that are long gone
	}
	s.states[e.instance] = e.state
	return known && before == e.state
}

// event takes a message in; nil when it is none, cannot be read, or ctx has ended.
func (s *Stream) event(ctx context.Context, i int, m jet.FeedEntry) *event {
	e, err := read(i, m)
	if err != nil {
		s.Log.Error("an event cannot be read", "error", err.Error())
		return nil
	}
	if e == nil || e.owner != "" || e.jobID == "" {
		return e
	}
	for asked := false; ; {
		if job, ok := s.Jobs.Job(e.jobID); ok || asked {
			e.owner = job.Username // of a deleted job: none
			return e
		}
		// The cache of the jobs may be behind the results.
		if err := s.Jobs.Refresh(ctx); err == nil {
			asked = true
		} else if wait.Sleep(ctx, retry) != nil {
			return nil
		}
	}
}
