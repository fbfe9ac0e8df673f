// Package eventstest gives any test a JetStream server of its own: real, on the
// test's disk, without a port, in about 20 ms.
package eventstest

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"spool.internal/events/jet"
)

// Server is an embedded server that a test can stop and start again.
type Server struct {
	*server.Server
	mu    sync.Mutex // guards Server while clients reconnect during a Restart
	dir   string
	sync  bool
	store int64
	slow  bool
}

// Options for a test's server; the zero value is right for most.
type Options struct {
	Dir   string // store; default: a folder of the test's
	Sync  bool   // fsync every message, as the real broker does by default
	Store int64  // bytes that JetStream may use; default 1 GiB
	Slow  bool   // the test will have a [SlowDisk]
}

// Start runs a server with Spool's streams in it until the test ends.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	if o.Store == 0 {
		o.Store = 1 << 30
	}
	s := &Server{dir: o.Dir, sync: o.Sync, store: o.Store, slow: o.Slow}
	s.start(t)
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	bus := Connect(t, s)
	if err := bus.Ensure(t.Context(), jet.Topology{Store: o.Store, Replicas: 1, ResultsPerJob: 1000}); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *Server) start(t testing.TB) {
	t.Helper()
	opts := &server.Options{
		ServerName: "test", StoreDir: s.dir, JetStream: true, DontListen: true,
		JetStreamMaxStore: s.store, JetStreamMaxMemory: 64 << 20, SyncAlways: s.sync,
		NoSigs: true, NoLog: true, DisableJetStreamBanner: true,
	}
	if s.slow {
		FewAccesses(opts)
	}
	srv, err := server.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	if !srv.ReadyForConnections(10 * time.Second) {
		t.Fatal("the test's NATS server did not start")
	}
	s.mu.Lock()
	s.Server = srv
	s.mu.Unlock()
}

// InProcessConn connects a client to the server that runs now.
func (s *Server) InProcessConn() (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Server.InProcessConn()
}

// Connect gives a bus on the server that is closed when the test ends.
func Connect(t testing.TB, s *Server) *jet.Bus {
	t.Helper()
	bus, err := jet.Connect(t.Context(), jet.Options{Server: s, Name: "test", Log: Log(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		_ = bus.Close(ctx)
	})
	return bus
}

// Bus starts a server and connects to it.
func Bus(t testing.TB) *jet.Bus { return Connect(t, Start(t, Options{})) }

// Log writes to the test's log.
func Log(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// Restart stops the server and starts it again on the same store. Clients
// reconnect by themselves, a little later.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.Shutdown()
	s.WaitForShutdown()
	s.start(t)
}

// Quiet is a log for benchmarks: it drops everything.
func Quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
