package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// A thousand and some of everything, at the defaults.
func TestLongFloods(t *testing.T) {
	long(t)
	t.Parallel()
	flooded(t, 1005)
}

// The same with few connections.
func TestFloods(t *testing.T) {
	t.Parallel()
	flooded(t, 80, "--max-connections", "128")
}

// flooded attacks a server in each way alone, then in all at once, and looks
// who gets in.
func flooded(t *testing.T, n int, flags ...string) {
	p := newHarness(t)
	p.serve(flags...)
	if err := os.WriteFile(filepath.Join(p.dir, "large"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(p.dir, "large"), 64<<20); err != nil { // more than the buffers between
		t.Fatal(err)
	}
	bus := p.bus()
	_, honest := p.token(bus)
	hogID, hog := p.token(bus)
	auth := "\r\nHost: x\r\nAuthorization: Bearer " + hog + "\r\nConnection: close\r\n"
	file := "/api/v2/files/" + testDrive + "/"
	floods := []struct {
		name, request string
		token         bool
	}{
		{"silent connections", "", false},
		{"half headers", "GET / HTTP/1.1\r\nHost: x\r\nA:", false},
		{"slow bodies without a token", "PUT " + file + "x HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx", false},
		{"slow bodies with a guessed secret", "POST /api/v1/flow/run_binary_async HTTP/1.1\r\nHost: x\r\nSpool-Dispatcher: guess\r\nContent-Length: 9\r\n\r\nx", false},
		{"unread documents", "GET /api/v2/docs HTTP/1.1\r\nHost: x\r\n\r\n", false},
		{"unread metrics", "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", false},
		{"slow uploads", "PUT " + file + "x HTTP/1.1" + auth + "Content-Length: 9\r\n\r\nx", true},
		{"unread downloads", "GET " + file + "large HTTP/1.1" + auth + "\r\n", true},
		{"unread streams", "GET /api/v2/events HTTP/1.1" + auth + "\r\n", true},
		{"slow calls", "POST /api/v1/scheduler/create_job HTTP/1.1" + auth + "Content-Length: 9\r\n\r\n{", true},
	}
	var held []net.Conn
	for _, f := range floods {
		conns := p.flood(n, f.request)
		p.getsIn(f.name, honest)
		if f.token {
			held = append(held, conns...)
			continue
		}
		for _, c := range conns {
			_ = c.Close()
		}
	}
	p.flood(n, "")
	p.getsIn("all at once", honest)

	// Revoked, what is under way ends with its token.
	revoke := exec.Command(binary, "token", "revoke", hogID, "--data", p.data, "--url", "http://"+p.api)
	if out, err := revoke.CombinedOutput(); err != nil {
		t.Fatalf("revoke: %v %s", err, out)
	}
	began := time.Now()
	var open sync.WaitGroup
	var left atomic.Int64
	for _, c := range held {
		open.Go(func() {
			_ = c.SetReadDeadline(began.Add(20 * time.Second)) // less than any other limit but the minimum rate
			if _, err := io.Copy(io.Discard, c); err != nil && os.IsTimeout(err) {
				left.Add(1)
			}
		})
	}
	open.Wait()
	t.Logf("%d connections of a revoked token ended within %s", len(held), time.Since(began).Round(time.Millisecond))
	if left.Load() > 0 {
		t.Errorf("%d connections go on with a revoked token", left.Load())
	}
}

// flood opens connections and sends the same on each.
func (p *harness) flood(n int, request string) []net.Conn {
	p.Helper()
	conns := make([]net.Conn, n)
	for i := range conns {
		c, err := net.Dial("tcp", p.api)
		if err != nil {
			p.Fatal(err)
		}
		p.Cleanup(func() { _ = c.Close() })
		_, _ = io.WriteString(c, request) // may be evicted already
		conns[i] = c
	}
	return conns
}

// getsIn wants that an operator's calls in parallel, an administrator and the
// health pages are answered, each on a connection of its own.
func (p *harness) getsIn(flood, token string) {
	p.Helper()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}, Timeout: time.Minute}
	defer client.CloseIdleConnections()
	admin := p.adminToken()
	send := func(client *http.Client, method, path, token, body string) {
		r, err := http.NewRequestWithContext(p.Context(), method, "http://"+p.api+path, strings.NewReader(body))
		if err != nil {
			p.Error(err)
			return
		}
		r.Header.Set("Authorization", "Bearer "+token)
		resp, err := client.Do(r)
		if err != nil {
			p.Errorf("%s: %s %s: %v", flood, method, path, err)
			return
		}
		defer resp.Body.Close()
		if text, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode >= 300 {
			p.Errorf("%s: %s %s: %s %.200s, %v", flood, method, path, resp.Status, text, err)
		}
	}
	var wg sync.WaitGroup
	for i := range 4 { // all floods together under what one token may ask at once
		wg.Go(func() {
			for range 3 {
				send(client, http.MethodGet, "/api/v1/scheduler/list_jobs", token, "")
			}
			send(client, http.MethodPut, fmt.Sprintf("/api/v2/files/%s/out/%d", testDrive, i), token, "content")
		})
	}
	wg.Wait()
	alone := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	send(alone, http.MethodGet, "/api/v2/tokens", admin, "")
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		send(alone, http.MethodGet, path, "", "")
	}
	r, err := http.NewRequestWithContext(p.Context(), http.MethodGet, "http://"+p.api+"/api/v2/events", nil)
	if err != nil {
		p.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := alone.Do(r)
	if err != nil {
		p.Errorf("%s: events: %v", flood, err)
		return
	}
	defer resp.Body.Close()
	if line, err := bufio.NewReader(resp.Body).ReadString('\n'); err != nil || resp.StatusCode != http.StatusOK {
		p.Errorf("%s: events: %s %q, %v", flood, resp.Status, line, err)
	}
}

// token makes an operator's token; one of before tokens had paths.
func (p *harness) token(bus *jet.Bus) (id, text string) {
	p.Helper()
	t, text := events.NewToken("admin", events.Operator, time.Now())
	if err := bus.PutToken(p.Context(), t); err != nil {
		p.Fatal(err)
	}
	p.eventually("the token is known", func() bool {
		r, err := http.NewRequestWithContext(p.Context(), http.MethodGet, "http://"+p.api+"/api/v2/jobs", nil)
		if err != nil {
			p.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+text)
		resp, err := http.DefaultClient.Do(r)
		return err == nil && resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
	})
	return t.ID, text
}
