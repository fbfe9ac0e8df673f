package dispatcher

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"spool.internal/events"
)

// What a direct call brings is what the client of net/http brings.
func TestDirectIsAsNetHTTP(t *testing.T) {
	t.Parallel()
	for name, says := range map[string]string{
		"a length":          "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-One: 1\r\nx-one: 2\r\n\r\nhello",
		"chunks":            "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
		"until it closes":   "HTTP/1.0 200 OK\r\n\r\nhello",
		"hints first":       "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
		"no body":           "HTTP/1.1 204 No Content\r\n\r\n",
		"more than we keep": fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", 2*events.MaxResponse, strings.Repeat("x", 2*events.MaxResponse)),
		"cut short":         "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello",
		"no HTTP":           "hello\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked [2]string
			at, got := rawEndpoint(t, says)
			c := newDirect("http://"+at+"/p?q=1", 5*time.Second)
			q := request{[]string{"Content-Type", "application/json", "Idempotency-Key", "k"}, []byte(`{"a":1}`)}
			a, err := c.do(t.Context(), q, false)
			asked[0] = <-got
			req, err2 := http.NewRequest(http.MethodPost, "http://"+at+"/p?q=1", bytes.NewReader(q.body))
			if err2 != nil {
				t.Fatal(err2)
			}
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("Idempotency-Key", "k")
			client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
			defer client.CloseIdleConnections()
			resp, err2 := client.Do(req)
			asked[1] = <-got
			if err2 == nil {
				var body []byte
				body, err2 = readBody(resp.Body)
				_ = resp.Body.Close()
				if a.status != resp.StatusCode || !bytes.Equal(a.body, body) || fmt.Sprint(a.header) != fmt.Sprint(resp.Header) {
					t.Errorf("%d %v %.40q, net/http has %d %v %.40q", a.status, a.header, a.body, resp.StatusCode, resp.Header, body)
				}
			}
			if (err == nil) != (err2 == nil) {
				t.Errorf("error %v, net/http has %v", err, err2)
			}
			if asked[0] != asked[1] {
				t.Errorf("asked\n%s\nnet/http asks\n%s", asked[0], asked[1])
			}
		})
	}
}

// rawEndpoint answers every connection once with these bytes, and gives what it was asked, as it sorts.
func rawEndpoint(t *testing.T, says string) (at string, asked <-chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	heard := make(chan string, 4)
	go func() { // ends with the listener
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			q, err := http.ReadRequest(bufio.NewReader(conn))
			if err == nil {
				body, _ := io.ReadAll(q.Body)
				heard <- fmt.Sprintf("%s %s %s %v %d %s", q.Method, q.RequestURI, q.Host, q.Header, q.ContentLength, body)
			}
			_, _ = io.WriteString(conn, says)
			_ = conn.Close()
		}
	}()
	return l.Addr().String(), heard
}

// A connection is used again, and a call over one that the endpoint has closed is made over a new one, unless it may
// be made but once: that has a connection of its own.
func TestDirectConnections(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 8)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		asked <- q.RemoteAddr
		if q.Header.Get("Close") != "" {
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(w, "ok")
	}))
	defer s.Close()
	c := newDirect(s.URL, time.Minute)
	do := func(q request, once bool) (from string, err error) {
		_, err = c.do(t.Context(), q, once)
		return <-asked, err
	}
	first, err := do(request{}, false)
	second, err2 := do(request{}, false)
	own, err3 := do(request{}, true)
	if err != nil || err2 != nil || err3 != nil || first != second || own == first {
		t.Errorf("from %s, %s and %s (%v, %v, %v)", first, second, own, err, err2, err3)
	}
	s.CloseClientConnections()
	if after, err := do(request{}, false); err != nil || after == first {
		t.Errorf("after the endpoint closed the connection: from %s (%v)", after, err)
	}
	if _, err := do(request{header: []string{"Close", "1"}}, true); err == nil || len(asked) != 0 {
		t.Errorf("a call that may be made once: %v, and %d more", err, len(asked))
	}
	if _, err := c.do(t.Context(), request{header: []string{"X", "a\nb"}}, false); err == nil || len(asked) != 0 {
		t.Errorf("a header of two lines was sent: %v", err)
	}
}

// The end of the caller's context ends a call, and so does its time.
func TestDirectEnds(t *testing.T) {
	t.Parallel()
	came := make(chan struct{}, 2)
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) {
		_, _ = io.Copy(io.Discard, q.Body)
		came <- struct{}{}
		hang(q)
	}))
	defer s.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-came; cancel() }()
	if _, err := newDirect(s.URL, time.Hour).do(ctx, request{}, false); err != context.Canceled {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := newDirect(s.URL, 50*time.Millisecond).do(t.Context(), request{}, false); err != errLate {
		t.Errorf("late: %v", err)
	}
}
