package eventstest

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"spool.internal/events/jet"
)

// Trio is a cluster of embedded servers, which listen on the loopback device alone and end with the
// test. Use one at a time: elections need the processor.
type Trio struct {
	Members []*Member
	lose    atomic.Bool // see LosePulls
}

// LosePulls has requests for messages of a queue lost on their way from one server to another: only a
// consumer that the client's own server leads is asked.
func (c *Trio) LosePulls(lose bool) { c.lose.Store(lose) }

// Member is one server of a [Trio]. Others reach it through a proxy of the test's, so that
// what is copied to it can be delayed.
type Member struct {
	Name  string
	trio  *Trio
	dir   string
	host  string // where its clients connect
	proxy *routeProxy

	mu     sync.Mutex // guards what follows
	srv    *server.Server
	client int // port of the clients, the same after a restart
}

// clusterStore is what JetStream of a member may use, in bytes.
const clusterStore = 1 << 30

// Cluster starts n servers that form one cluster and waits until each is current. It
// has no streams: see [Trio.Ensure].
func Cluster(t testing.TB, n int) *Trio {
	t.Helper()
	c := &Trio{}
	for i := range n {
		m := &Member{Name: fmt.Sprintf("m%d", i+1), trio: c, dir: t.TempDir(), host: ownHost(), client: server.RANDOM_PORT}
		m.proxy = newRouteProxy(t, m)
		c.Members = append(c.Members, m)
	}
	t.Cleanup(func() {
		for _, m := range c.Members {
			m.Stop()
			m.proxy.close()
		}
	})
	for _, m := range c.Members {
		m.start(t)
	}
	for _, m := range c.Members {
		m.AwaitCurrent(t)
	}
	return c
}

// Ensure makes Spool's streams with a copy on each server, up to three, and waits until
// each copy is read: from then on any server may answer a direct get.
func (c *Trio) Ensure(t testing.TB) *Trio {
	t.Helper()
	bus := c.Connect(t, c.Members...)
	topology := jet.Topology{Store: clusterStore, Replicas: min(3, len(c.Members)), ResultsPerJob: 1000}
	Eventually(t, "streams of the cluster", func() bool { return bus.Ensure(t.Context(), topology) == nil })
	return c.AwaitReads(t, jet.EveryStream().Reads...)
}

// AwaitReads waits until each server answers from its own copy of streams. One that has just become a
// follower does so after some seconds.
func (c *Trio) AwaitReads(t testing.TB, streams ...string) *Trio {
	t.Helper()
	for _, m := range c.Members {
		for _, stream := range streams {
			m.awaitReads(t, stream)
		}
	}
	return c
}

// Connect gives a bus on some of the servers, all when none is named: it starts with any of
// them and goes on to another when it loses that one. It is closed when the test ends.
func (c *Trio) Connect(t testing.TB, to ...*Member) *jet.Bus {
	t.Helper()
	if len(to) == 0 {
		to = c.Members
	}
	var urls strings.Builder
	urls.WriteString(to[0].URL())
	for _, m := range to[1:] {
		urls.WriteString("," + m.URL())
	}
	bus, err := jet.Connect(t.Context(), jet.Options{URL: urls.String(), Name: "test", Log: Log(t)})
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

// Leader gives the server that leads a stream, and waits until one does.
func (c *Trio) Leader(t testing.TB, stream string) *Member {
	t.Helper()
	var leader *Member
	Eventually(t, "a leader of "+stream, func() bool {
		for _, m := range c.Members {
			if s := m.Server(); s != nil && s.Running() && s.JetStreamIsStreamLeader(server.DEFAULT_GLOBAL_ACCOUNT, stream) {
				leader = m
				return true
			}
		}
		return false
	})
	return leader
}

// Follower gives a server that does not lead a stream.
func (c *Trio) Follower(t testing.TB, stream string) *Member {
	t.Helper()
	leader := c.Leader(t, stream)
	for _, m := range c.Members {
		if m != leader {
			return m
		}
	}
	t.Fatal("one server has no follower")
	return nil
}

// Lead has a server lead a stream.
func (c *Trio) Lead(t testing.TB, stream string, m *Member) {
	t.Helper()
	Eventually(t, m.Name+" leads "+stream, func() bool {
		leader := c.Leader(t, stream)
		if leader == m {
			return true
		}
		nc, err := nats.Connect(leader.URL())
		if err != nil {
			return false
		}
		defer nc.Close()
		_, _ = nc.Request("$JS.API.STREAM.LEADER.STEPDOWN."+stream, []byte(`{"placement":{"preferred":"`+m.Name+`"}}`), 2*time.Second)
		return c.Leader(t, stream) == m
	})
}

// Server is the server that runs now; nil before its first start.
func (m *Member) Server() *server.Server {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.srv
}

// URL is where clients connect, also after a restart.
func (m *Member) URL() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return fmt.Sprintf("nats://%s:%d", m.host, m.client)
}

// Delay holds back by d what the leaders of streams and consumers on other servers copy
// to this one, which answers clients as quickly as before: what it knows is so much older.
// Zero ends it.
func (m *Member) Delay(d time.Duration) { m.proxy.delay.Store(int64(d)) }

// Stop stops the server in order, as SIGTERM does.
func (m *Member) Stop() {
	if s := m.Server(); s != nil {
		s.Shutdown()
		s.WaitForShutdown()
	}
}

// Start starts a stopped server again on its store and waits until it is current.
func (m *Member) Start(t testing.TB) {
	t.Helper()
	m.start(t)
	m.AwaitCurrent(t)
}

// AwaitCurrent waits until JetStream of this server knows what the cluster knows.
func (m *Member) AwaitCurrent(t testing.TB) {
	t.Helper()
	Eventually(t, m.Name+" is current", func() bool { return m.Server().JetStreamIsCurrent() })
}

// awaitReads waits until this server answers who reads its copy of a stream.
func (m *Member) awaitReads(t testing.TB, stream string) {
	t.Helper()
	Eventually(t, m.Name+" answers for "+stream, func() bool {
		subs, err1 := m.Server().Subsz(&server.SubszOptions{
			Subscriptions: true, Account: server.DEFAULT_GLOBAL_ACCOUNT, Test: "$JS.API.DIRECT.GET." + stream,
		})
		routes, err2 := m.Server().Routez(nil)
		return err1 == nil && err2 == nil && slices.ContainsFunc(subs.Subs, func(s server.SubDetail) bool {
			return s.Queue != "" && !slices.ContainsFunc(routes.Routes, func(r *server.RouteInfo) bool { return r.Rid == s.Cid }) // else another server's
		})
	})
}

func (m *Member) start(t testing.TB) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	opts := &server.Options{
		ServerName: m.Name, StoreDir: m.dir, JetStream: true, Host: m.host, Port: m.client,
		JetStreamMaxStore: clusterStore, JetStreamMaxMemory: 64 << 20,
		NoSigs: true, NoLog: true, DisableJetStreamBanner: true,
		Cluster: server.ClusterOpts{
			Name: "test", Host: "127.0.0.1", Port: server.RANDOM_PORT, Advertise: m.proxy.addr(),
			PinnedAccounts: []string{server.DEFAULT_SYSTEM_ACCOUNT}, // what is copied has a connection of its own
		},
	}
	for _, other := range m.trio.Members {
		if other != m {
			opts.Routes = append(opts.Routes, &url.URL{Scheme: "nats", Host: other.proxy.addr()})
		}
	}
	srv, err := server.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	if !srv.ReadyForConnections(10 * time.Second) {
		t.Fatal("a server of the test's cluster did not start")
	}
	m.srv, m.client = srv, srv.Addr().(*net.TCPAddr).Port
	m.proxy.forward(srv.ClusterAddr().String())
}

// byID gives the member that runs the server of an id; nil when none does.
func (c *Trio) byID(id string) *Member {
	for _, m := range c.Members {
		if s := m.Server(); s != nil && s.ID() == id {
			return m
		}
	}
	return nil
}
