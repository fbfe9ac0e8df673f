package eventstest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// routeProxy stands in front of the routes of one member: the others connect to it.
type routeProxy struct {
	member *Member
	l      net.Listener
	delay  atomic.Int64 // of what is copied to the member

	mu     sync.Mutex // guards what follows
	to     string     // where the member listens now
	conns  map[net.Conn]bool
	closed bool
	wg     sync.WaitGroup
}

func newRouteProxy(t testing.TB, m *Member) *routeProxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &routeProxy{member: m, l: l, conns: map[net.Conn]bool{}}
	p.wg.Go(p.accept)
	return p
}

func (p *routeProxy) addr() string { return p.l.Addr().String() }

func (p *routeProxy) forward(to string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.to = to
}

func (p *routeProxy) close() {
	_ = p.l.Close() // nobody needs it any more
	p.mu.Lock()
	p.closed = true
	for c := range p.conns {
		_ = c.Close()
	}
	p.mu.Unlock()
	p.wg.Wait()
}

// keep says that a connection is closed with the proxy; false that it is closed already.
func (p *routeProxy) keep(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		_ = c.Close()
		return false
	}
	p.conns[c] = true
	return true
}

func (p *routeProxy) accept() {
	for {
		from, err := p.l.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		to := p.to
		p.mu.Unlock()
		there, err := net.Dial("tcp", to)
		if err != nil { // the member does not run: who asks tries again
			_ = from.Close()
			continue
		}
		if !p.keep(from) || !p.keep(there) {
			return
		}
		var back atomic.Pointer[routeProxy] // of who has connected, once it is known to be for copies
		p.wg.Go(func() { p.send(from, there, &back) })
		p.wg.Go(func() { // what this member tells the other
			p.pump(from, there, func() time.Duration {
				if other := back.Load(); other != nil {
					return time.Duration(other.delay.Load())
				}
				return 0
			})
		})
	}
}

// send passes on what another tells this member. Its first lines say who it is and what
// the connection is for.
func (p *routeProxy) send(from, there net.Conn, back *atomic.Pointer[routeProxy]) {
	r := bufio.NewReaderSize(from, 64<<10)
	var who *Member
	copies := false
	for {
		line, err := r.ReadString('\n')
		if _, werr := there.Write([]byte(line)); err != nil || werr != nil {
			_, _ = from.Close(), there.Close()
			return
		}
		op, rest, _ := strings.Cut(line, " ")
		var about struct {
			Name    string `json:"name"`
			Account string `json:"route_account"`
		}
		_ = json.Unmarshal([]byte(rest), &about) // what is no JSON says nothing of it
		if op == "CONNECT" {
			who = p.member.trio.byID(about.Name)
		}
		if op == "INFO" {
			copies = about.Account == server.DEFAULT_SYSTEM_ACCOUNT
			break
		}
	}
	delay := func() time.Duration { return 0 }
	if who != nil && copies {
		back.Store(who.proxy)
		delay = func() time.Duration { return time.Duration(p.delay.Load()) }
	}
	p.pump(there, readConn{r, from}, delay)
}

// readConn is a connection of which a part has been read.
type readConn struct {
	*bufio.Reader
	net.Conn
}

func (c readConn) Read(b []byte) (int, error) { return c.Reader.Read(b) }

// pump copies one direction of a connection, each byte delay later, and closes both
// when it ends.
func (p *routeProxy) pump(to io.WriteCloser, from io.ReadCloser, delay func() time.Duration) {
	type piece struct {
		data []byte
		at   time.Time
	}
	pieces := make(chan piece, 1<<14)
	var wg sync.WaitGroup
	wg.Go(func() {
		for one := range pieces {
			for { // the delay may change meanwhile
				left := time.Until(one.at.Add(delay()))
				if left <= 0 {
					break
				}
				time.Sleep(min(left, 10*time.Millisecond))
			}
			if _, err := to.Write(one.data); err != nil {
				_ = from.Close() // ends the reader
			}
		}
	})
	for {
		data := make([]byte, 32<<10)
		n, err := from.Read(data)
		if n > 0 {
			if p.member.trio.lose.Load() { // nobody listens there
				copy(data, bytes.ReplaceAll(data[:n], []byte("CONSUMER.MSG.NEXT."), []byte("CONSUMER.MSG.NONE.")))
			}
			pieces <- piece{data[:n], time.Now()}
		}
		if err != nil {
			break
		}
	}
	close(pieces)
	_ = from.Close()
	wg.Wait()
	_ = to.Close()
}
