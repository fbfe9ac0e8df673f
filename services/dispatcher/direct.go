package dispatcher

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/net/http/httpguts"

	"spool.internal/events"
)

// direct makes the calls of one http:// endpoint over connections of its own: whoever calls writes the request and
// reads the answer. The client of net/http hands each call to two other goroutines and back, which was two fifths of
// what a dispatcher does. What goes through a proxy or TLS is left to that client.
type direct struct {
	addr    string // host and port
	head    string // the first lines of every request
	dialer  net.Dialer
	timeout time.Duration // of one call

	mu     sync.Mutex
	idle   []*line     // that which was used last is the last
	closer *time.Timer // closes what is idle; nil while nothing is
}

// line is one connection of an endpoint.
type line struct {
	net.Conn
	limit io.LimitedReader // how much may still be read of an answer
	in    *bufio.Reader
	out   []byte // the last request
	since time.Time
}

const (
	// idleMost is how long a connection is kept without a call. It is shorter than what servers allow, for one that
	// the endpoint has closed is noticed only after the request is written.
	idleMost   = time.Second
	dialMost   = 30 * time.Second
	hintsMost  = 5       // answers of status 1xx before the one that counts
	answerMost = 1 << 20 // read of a body, with how it is wrapped
)

// errLate says in the words of net/http that a call took too long.
var errLate = errors.New("context deadline exceeded (Client.Timeout exceeded)")

// posted is the kind of request that answers are read for.
var posted = &http.Request{Method: http.MethodPost}

// newDirect returns nil when calls of the URL are for the client of net/http.
func newDirect(raw string, timeout time.Duration) *direct {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" || u.Hostname() == "" {
		return nil
	}
	if proxy, err := http.ProxyFromEnvironment(&http.Request{URL: u}); proxy != nil || err != nil {
		return nil
	}
	if host, err := httpguts.PunycodeHostPort(u.Host); err != nil || host != u.Host || !httpguts.ValidHostHeader(host) {
		return nil
	}
	port := u.Port()
	if port == "" {
		port = "80"
	}
	return &direct{
		addr: net.JoinHostPort(u.Hostname(), port), timeout: timeout,
		head:   "POST " + u.RequestURI() + " HTTP/1.1\r\nHost: " + u.Host + "\r\nUser-Agent: Go-http-client/1.1\r\n",
		dialer: net.Dialer{Timeout: dialMost, KeepAlive: 30 * time.Second},
	}
}

// do makes a call. A connection that was used before may have been closed by the endpoint meanwhile: when no byte of
// an answer comes over it, the call is made again over a new one, with the same key. With once it is not, and goes
// over a new one at once.
func (c *direct) do(ctx context.Context, q request, once bool) (reply, error) {
	until := time.Now().Add(c.timeout)
	for {
		var l *line
		if !once {
			l = c.take()
		}
		used := l != nil
		if !used {
			var err error
			if l, err = c.dial(ctx, until); err != nil {
				return reply{}, c.fault(ctx, until, err)
			}
		}
		a, began, keep, err := l.exchange(ctx, until, c.head, q)
		if keep {
			c.put(l)
		} else {
			_ = l.Close()
		}
		if err == nil || began || !used || ctx.Err() != nil || !time.Now().Before(until) {
			return a, c.fault(ctx, until, err)
		}
	}
}

// fault is why a call failed: also when the error is only what became of its connection.
func (c *direct) fault(ctx context.Context, until time.Time, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, os.ErrDeadlineExceeded) && !time.Now().Before(until):
		return errLate
	}
	return err
}

func (c *direct) dial(ctx context.Context, until time.Time) (*line, error) {
	d := c.dialer
	d.Deadline = until
	conn, err := d.DialContext(ctx, "tcp", c.addr)
	if err != nil {
		return nil, err
	}
	l := &line{Conn: conn, limit: io.LimitedReader{R: conn}}
	l.in = bufio.NewReader(&l.limit)
	return l, nil
}

// exchange sends a request and reads the answer. began: some of it came; keep: the connection can be used again.
func (l *line) exchange(ctx context.Context, until time.Time, head string, q request) (a reply, began, keep bool, err error) {
	if err := l.SetDeadline(until); err != nil {
		return reply{}, false, false, err
	}
	stop := context.AfterFunc(ctx, func() { _ = l.SetDeadline(time.Unix(1, 0)) }) // ends what waits
	defer func() { keep = stop() && keep }()
	if l.out, err = q.append(append(l.out[:0], head...)); err != nil {
		return reply{}, true, false, err
	}
	if _, err := l.Write(l.out); err != nil {
		return reply{}, false, false, err
	}
	l.limit.N = maxHeaderRead + answerMost
	if _, err := l.in.Peek(1); err != nil {
		return reply{}, false, false, err
	}
	var resp *http.Response
	for range hintsMost + 1 {
		if resp, err = http.ReadResponse(l.in, posted); err != nil {
			return reply{}, true, false, err
		}
		if resp.StatusCode >= 200 || resp.StatusCode == http.StatusSwitchingProtocols {
			break
		}
	}
	a = reply{status: resp.StatusCode, header: resp.Header}
	a.body, err = readBody(resp.Body)
	keep = err == nil && len(a.body) <= events.MaxResponse && !resp.Close && resp.StatusCode >= 200 && l.in.Buffered() == 0
	return a, true, keep, err
}

// append adds the request as it goes over the wire, behind its first lines.
func (q request) append(to []byte) ([]byte, error) {
	to = append(append(append(to, "Content-Length: "...), strconv.Itoa(len(q.body))...), "\r\n"...)
	for i := 0; i < len(q.header); i += 2 {
		if !httpguts.ValidHeaderFieldValue(q.header[i+1]) {
			return to, fmt.Errorf("net/http: invalid header field value for %q", q.header[i])
		}
		to = append(append(append(append(to, q.header[i]...), ": "...), q.header[i+1]...), "\r\n"...)
	}
	return append(append(to, "\r\n"...), q.body...), nil
}

// take gives the connection that was used last, if that is not too long ago.
func (c *direct) take() *line {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.idle)
	if n == 0 || time.Since(c.idle[n-1].since) > idleMost {
		return nil
	}
	l := c.idle[n-1]
	c.idle = c.idle[:n-1]
	return l
}

func (c *direct) put(l *line) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l.since = time.Now()
	c.idle = append(c.idle, l)
	if c.closer == nil {
		c.closer = time.AfterFunc(idleMost, c.sweep)
	}
}

// sweep closes the connections that nobody has used for a while.
func (c *direct) sweep() {
	c.mu.Lock()
	defer c.mu.Unlock()
	old := 0
	for old < len(c.idle) && time.Since(c.idle[old].since) >= idleMost {
		_ = c.idle[old].Close()
		old++
	}
	if c.idle = append([]*line(nil), c.idle[old:]...); len(c.idle) == 0 {
		c.closer = nil
		return
	}
	c.closer.Reset(idleMost)
}
