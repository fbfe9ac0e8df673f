package files_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/mux"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/events/eventstest"
	"spool.internal/gateway/v2/files"
)

// TestMain looks for goroutines that outlive the tests.
func TestMain(m *testing.M) { os.Exit(eventstest.Main(m)) }

// harness is the API alone on HTTP, with drive a/b/fs/D. How it behaves inside of
// the gateway is tested there.
type harness struct {
	t     testing.TB
	url   string        // of the server
	ended chan struct{} // gets one value for each request that the API is done with
}

func newHarness(t testing.TB, base string, idle time.Duration) *harness {
	t.Helper()
	drives, err := drive.New(base, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := mux.NewRouter()
	files.New(files.Config{
		Drives: drives, Idle: idle, Log: eventstest.Log(t),
		Token: func(*http.Request) events.Token { return events.Token{Role: events.Admin} },
	}).Routes(r)
	b := &harness{t: t, ended: make(chan struct{}, 100)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		defer func() { b.ended <- struct{}{} }()
		r.ServeHTTP(w, q)
	}))
	t.Cleanup(server.Close)
	b.url = server.URL
	return b
}

// path is that of a file in a URL.
func (b *harness) path(name string) string { return files.Prefix + "a/b/fs/D/" + name }

func (b *harness) dial() net.Conn {
	b.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(b.url, "http://"))
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func (b *harness) request(method, name string, body io.Reader) *http.Response {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.url+b.path(name), body)
	if err != nil {
		b.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

func (b *harness) send(method, name string, body io.Reader) (int, string) {
	b.t.Helper()
	resp := b.request(method, name, body)
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}
