package daemon

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"spool.internal/events/admission"
	"spool.internal/events/eventstest"
)

// fast is a minimum rate that a test can wait for.
var fast = admission.MinRate{Grace: 300 * time.Millisecond, Rate: 10_000}

// listen serves a handler and gives its address.
func listen(t *testing.T, l Listener, h http.HandlerFunc) (*Process, string) {
	t.Helper()
	p := process(t)
	l.Addr = "127.0.0.1:0"
	addr, err := p.Serve("api", l, h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	})
	return p, addr
}

// dialFrom connects from an address of the loopback network.
func dialFrom(t testing.TB, from, addr string) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: 30 * time.Second}
	c, err := d.DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// ask makes a request on a connection and gives the answer's status; 0 = none.
func ask(c net.Conn, request string) int {
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := io.WriteString(c, strings.ReplaceAll(request, "\n", "\r\n")+"\r\n\r\n"); err != nil {
		return 0
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0
	}
	_, err = io.Copy(io.Discard, resp.Body)
	if err != nil || resp.Body.Close() != nil {
		return 0
	}
	return resp.StatusCode
}

const plain = "GET / HTTP/1.1\nHost: x"

// closed waits until the other side has closed a connection.
func closed(t *testing.T, what string, c net.Conn, within time.Duration) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(within))
	if _, err := io.Copy(io.Discard, c); err != nil && os.IsTimeout(err) {
		t.Errorf("%s: the connection is open after %s", what, within)
	}
}

// admitting is a handler that knows a caller by the header Token.
func admitting(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if token := r.Header.Get("Token"); token != "" {
			kind := admission.Request
			if r.Header.Get("Kind") == "stream" {
				kind = admission.Stream
			}
			if why := admission.Of(r.Context()).Admit(kind, admission.ByToken(token, token == "admin"), func() bool { return true }); why != "" {
				w.WriteHeader(http.StatusTooManyRequests)
				return
			}
		}
		next(w, r)
	}
}

// Connections that say nothing keep nobody out: not their neighbours behind the
// same address, not others, and they cut nobody off who has a token.
func TestSilentConnections(t *testing.T) {
	p, addr := listen(t, Listener{MaxConnections: 64}, admitting(func(http.ResponseWriter, *http.Request) {}))
	member, neighbour := dialFrom(t, "127.0.0.1", addr), dialFrom(t, "127.0.0.2", addr)
	for name, c := range map[string]net.Conn{"member": member, "neighbour": neighbour} {
		if code := ask(c, plain+map[string]string{"member": "\nToken: m"}[name]); code != http.StatusOK {
			t.Fatalf("%s: answer %d", name, code)
		}
	}
	for range 500 {
		dialFrom(t, "127.0.0.1", addr)
	}
	for _, from := range []string{"127.0.0.1", "127.0.0.3"} {
		if code := ask(dialFrom(t, from, addr), plain); code != http.StatusOK {
			t.Errorf("a newcomer from %s: answer %d", from, code)
		}
	}
	for name, c := range map[string]net.Conn{"with a token": member, "from another address": neighbour} {
		if code := ask(c, plain); code != http.StatusOK {
			t.Errorf("a connection %s is cut off: answer %d", name, code)
		}
	}
	if n := testutil.ToFloat64(p.refused.WithLabelValues("api", "evicted")); n < 400 {
		t.Errorf("%v connections are counted as evicted", n)
	}
}

// From many addresses at once, and with half a header each.
func TestHalfHeadersFromEverywhere(t *testing.T) {
	_, addr := listen(t, Listener{MaxConnections: 64}, admitting(func(http.ResponseWriter, *http.Request) {}))
	member := dialFrom(t, "127.0.0.1", addr)
	if code := ask(member, plain+"\nToken: m"); code != http.StatusOK {
		t.Fatalf("answer %d", code)
	}
	for n := range 300 {
		if _, err := io.WriteString(dialFrom(t, fmt.Sprintf("127.1.%d.1", n%100), addr), "GET / HTTP/1.1\r\nHos"); err != nil {
			t.Fatal(err)
		}
	}
	if code := ask(dialFrom(t, "127.0.0.9", addr), plain); code != http.StatusOK {
		t.Errorf("a newcomer: answer %d", code)
	}
	if code := ask(member, plain); code != http.StatusOK {
		t.Errorf("a connection with a token is cut off: answer %d", code)
	}
}

// What one token does at once, another does not feel, and an administrator has
// permits of its own.
func TestTokensShare(t *testing.T) {
	release := make(chan struct{})
	var under atomic.Int64
	_, addr := listen(t, Listener{MaxConnections: 256}, admitting(func(_ http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Wait") != "" {
			under.Add(1)
			<-release
		}
	}))
	var held sync.WaitGroup
	var refused atomic.Int64
	hog := func(token string) {
		for range 40 {
			c := dialFrom(t, "127.0.0.1", addr)
			held.Go(func() {
				if ask(c, plain+"\nWait: 1\nToken: "+token) == http.StatusTooManyRequests {
					refused.Add(1)
				}
			})
		}
	}
	for _, token := range []string{"a", "b", "c"} {
		hog(token)
	}
	eventstest.Eventually(t, "all are answered or wait", func() bool { return under.Load()+refused.Load() == 120 })
	if n := under.Load(); n < 30 || n > 50 {
		t.Errorf("three tokens have %d of 64 requests in progress", n)
	}
	for _, token := range []string{"honest", "admin"} {
		if code := ask(dialFrom(t, "127.0.0.1", addr), plain+"\nToken: "+token); code != http.StatusOK {
			t.Errorf("%s: answer %d", token, code)
		}
	}
	close(release)
	held.Wait()
	eventstest.Eventually(t, "after its requests have ended a token is admitted", func() bool {
		return ask(dialFrom(t, "127.0.0.1", addr), plain+"\nToken: a") == http.StatusOK
	})
}

// A request that was answered and whose body still comes counts as in progress:
// with a token it cannot be evicted.
func TestAnsweredBeforeItsBody(t *testing.T) {
	p, addr := listen(t, Listener{MaxConnections: 256}, admitting(func(http.ResponseWriter, *http.Request) {}))
	for _, token := range []string{"a", "b", "c", "d", "e", "f"} {
		for range 20 {
			fmt.Fprintf(dialFrom(t, "127.0.0.1", addr), "PUT / HTTP/1.1\r\nHost: x\r\nToken: %s\r\nContent-Length: 9\r\n\r\nx", token)
		}
	}
	for _, token := range []string{"honest", "admin"} {
		if code := ask(dialFrom(t, "127.0.0.1", addr), plain+"\nToken: "+token); code != http.StatusOK {
			t.Errorf("%s: answer %d", token, code)
		}
	}
	if n := testutil.ToFloat64(p.refused.WithLabelValues("api", "connections")); n > 0 {
		t.Errorf("%v connections were refused", n)
	}
}

func TestRevokedWhileUnderWay(t *testing.T) {
	var revoked atomic.Bool
	began := make(chan struct{}, 2)
	_, addr := listen(t, Listener{}, func(w http.ResponseWriter, r *http.Request) {
		who := admission.ByToken(r.Header.Get("Token"), false)
		admission.Of(r.Context()).Admit(admission.Transfer, who, func() bool { return who.Key != "token gone" || !revoked.Load() })
		began <- struct{}{}
		if r.Method == http.MethodPut {
			_, _ = io.Copy(io.Discard, r.Body)
			return
		}
		for { // more than anybody takes
			if _, err := w.Write(make([]byte, 32<<10)); err != nil {
				return
			}
		}
	})
	upload, download := dialFrom(t, "127.0.0.1", addr), dialFrom(t, "127.0.0.1", addr)
	fmt.Fprint(upload, "PUT / HTTP/1.1\r\nHost: x\r\nToken: gone\r\nContent-Length: 1000\r\n\r\nbegun")
	fmt.Fprint(download, "GET / HTTP/1.1\r\nHost: x\r\nToken: gone\r\n\r\n")
	stays := dialFrom(t, "127.0.0.1", addr)
	fmt.Fprint(stays, "PUT / HTTP/1.1\r\nHost: x\r\nToken: stays\r\nContent-Length: 4\r\n\r\nbe")
	for range 3 {
		<-began
	}
	revoked.Store(true)
	closed(t, "upload", upload, 10*time.Second)
	closed(t, "download", download, 10*time.Second)
	if code := ask(stays, "gu"); code != http.StatusOK {
		t.Errorf("another token's upload: answer %d", code)
	}
}

// Behind a trusted proxy the client is who the proxy says; nobody else is believed.
func TestTrustedProxies(t *testing.T) {
	_, addr := listen(t, Listener{TrustedProxies: []string{"127.0.0.2", "127.7.0.0/16"}}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Saw", r.RemoteAddr)
	})
	for from, want := range map[string]string{"127.0.0.2": "192.0.2.9:0", "127.7.8.9": "192.0.2.9:0", "127.0.0.1": "127.0.0.1"} {
		c := dialFrom(t, from, addr)
		fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 127.0.0.1, 192.0.2.9\r\n\r\n")
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if got := resp.Header.Get("Saw"); !strings.HasPrefix(got, want) {
			t.Errorf("from %s the handler saw %q, want %s", from, got, want)
		}
	}
}

func TestListenerSettings(t *testing.T) {
	for want, l := range map[string]Listener{
		"trusted-proxies: \"10.0.0.0/99\"": {TrustedProxies: []string{"10.0.0.0/99"}},
		"trusted-proxies: \"proxy\"":       {TrustedProxies: []string{"proxy"}},
		"max-connections: 10 are too few":  {MaxConnections: 10},
		"raise it":                         {MaxConnections: 1 << 30},
	} {
		l.Addr = "127.0.0.1:0"
		if _, err := process(t).Serve("api", l, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
