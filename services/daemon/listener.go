package daemon

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"spool.internal/events/admission"
	"spool.internal/events/wait"
)

// checkEvery is how often the tokens of requests in progress are checked. The
// API ends its streams itself, with a whole answer; those it could not end are
// cut at the fourth check.
const (
	checkEvery  = 200 * time.Millisecond
	streamGrace = 4
)

// counted is a listener that knows whom its connections belong to. A connection
// that it accepts when it is full costs another one its place.
type counted struct {
	net.Listener
	rate    admission.MinRate
	trusted []netip.Prefix
	size    int                    // connections
	refused *prometheus.CounterVec // by reason
	busy    wait.Wake              // a request with a token has begun

	mu         sync.Mutex
	pool       *admission.Pool
	semaphores *admission.Semaphores
	conns      map[*conn]struct{}
}

// count makes a listener counted; after an error, too, it is what is to be closed.
func (l Listener) count(inner net.Listener, refused *prometheus.CounterVec) (*counted, error) {
	size, err := l.size()
	if err != nil {
		return &counted{Listener: inner}, err
	}
	c := &counted{
		Listener: inner, rate: l.minRate, size: size, refused: refused, busy: wait.NewWake(), pool: admission.NewPool(size),
		semaphores: admission.NewSemaphores(admission.LimitsFor(size)), conns: map[*conn]struct{}{},
	}
	c.trusted, err = prefixes(l.TrustedProxies)
	return c, err
}

// size is how many connections the listener takes.
func (l Listener) size() (int, error) {
	has := descriptors()
	switch {
	case l.MaxConnections == 0:
		return admission.DefaultConnections(has), nil
	case l.MaxConnections < admission.FewestConnections:
		return 0, fmt.Errorf("max-connections: %d are too few: at least %d", l.MaxConnections, admission.FewestConnections)
	case l.Inside:
		return l.MaxConnections, nil
	}
	if need := admission.Descriptors(l.MaxConnections); need > has {
		return 0, fmt.Errorf("max-connections: %d connections need a limit of %d open files and it is %d: raise it (ulimit -n, LimitNOFILE=), or allow %d connections",
			l.MaxConnections, need, has, admission.DefaultConnections(has))
	}
	return l.MaxConnections, nil
}

// Accept implements [net.Listener].
func (l *counted) Accept() (net.Conn, error) {
	for {
		inner, err := l.Listener.Accept()
		if err != nil {
			if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
				l.mu.Lock()
				evicted := l.pool.Evict()
				l.mu.Unlock()
				l.close(evicted, "descriptors")
			}
			return nil, err // the server tries again a little later
		}
		if c := l.add(inner); c != nil {
			return c, nil
		}
		_ = inner.Close() // it was never used
		l.refused.WithLabelValues("connections").Inc()
	}
}

// add gives nil when there is no room for a connection.
func (l *counted) add(inner net.Conn) *conn {
	peer := admission.AddressOf(inner.RemoteAddr().String())
	c := &conn{Conn: inner, listener: l, address: admission.ByAddress(peer)}
	c.out.budget = l.rate.Budget()
	c.entry.Close = c.abort
	if admission.Trusted(peer, l.trusted) { // it brings the requests of many
		c.address = admission.Caller{Key: "proxy " + peer.String(), Rank: admission.Service}
	}
	l.mu.Lock()
	evicted, ok := l.pool.Add(&c.entry, c.address)
	if ok {
		l.conns[c] = struct{}{}
	}
	l.mu.Unlock()
	l.close(evicted, "evicted")
	if !ok {
		return nil
	}
	return c
}

func (l *counted) close(e *admission.Entry, reason string) {
	if e != nil {
		e.Close()
		l.refused.WithLabelValues(reason).Inc()
	}
}

func (l *counted) remove(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pool.Remove(&c.entry)
	delete(l.conns, c)
}

// countConnections shows how many connections a listener has.
func (p *Process) countConnections(name string, l *counted) {
	gauge := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "spool_http_connections", Help: "Open connections of a listener.", ConstLabels: prometheus.Labels{"listener": name},
	}, func() float64 {
		l.mu.Lock()
		defer l.mu.Unlock()
		return float64(l.pool.Len())
	})
	if err := p.Metrics.Register(gauge); err != nil {
		p.Log.Warn("the connections of a listener are not counted", "part", name, "error", err.Error())
	}
}

// checkTokens checks the tokens of requests in progress until ctx ends.
func (l *counted) checkTokens(ctx context.Context) error {
	for wait.Sleep(ctx, checkEvery) == nil {
		if l.check() {
			continue
		}
		select {
		case <-l.busy:
		case <-ctx.Done():
		}
	}
	return nil
}

// check closes the connections on which a request is in progress with a token
// that is not valid any more. It reports whether there is a request with a token.
func (l *counted) check() (busy bool) {
	l.mu.Lock()
	tokens := map[string]func() bool{}
	for c := range l.conns {
		if c.valid != nil {
			tokens[c.permit.Caller()] = c.valid
		}
	}
	l.mu.Unlock()
	busy = len(tokens) > 0
	for token, valid := range tokens {
		if valid() {
			delete(tokens, token)
		}
	}
	if len(tokens) == 0 {
		return busy
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		if c.valid == nil || tokens[c.permit.Caller()] == nil {
			continue
		}
		if c.checks++; c.permit.Kind() != admission.Stream || c.checks >= streamGrace {
			l.pool.Remove(&c.entry)
			l.close(&c.entry, "revoked")
		}
	}
	return busy
}

// of finds the counted connection below a server's.
func of(c net.Conn) *conn {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	counted, _ := c.(*conn)
	return counted
}

// secured puts TLS on a listener. It offers HTTP/1.1 alone: one connection is one
// request at a time, so that who has counted the connections has counted all.
func secured(l net.Listener, certFile, keyFile string) (net.Listener, error) {
	cert, err := Certificate("tls-cert", certFile, "tls-key", keyFile)
	if err != nil {
		return nil, err
	}
	return tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}), nil
}
