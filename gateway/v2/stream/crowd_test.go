package stream_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"spool.internal/events"
)

// dial opens a stream without a client library's memory.
func (r *harness) dial(who string) net.Conn {
	r.t.Helper()
	u, err := url.Parse(r.url)
	if err != nil {
		r.t.Fatal(err)
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = conn.Close() })
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\n\r\n", u.Path, who)
	return conn
}

// What many idle clients cost is printed; both ends of each connection count.
func TestIdleClients(t *testing.T) {
	r := newHarness(t)
	memory := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapInuse + m.StackInuse
	}
	before := memory()
	const n = 1000
	conns := make([]net.Conn, n)
	for i := range conns {
		conns[i] = r.dial("alice/operator")
	}
	head := make([]byte, 1)
	for _, conn := range conns { // each is served
		if _, err := conn.Read(head); err != nil {
			t.Fatal(err)
		}
	}
	cost := memory() - before
	t.Logf("%d idle clients: %.1f MB, %.1f KB each", n, float64(cost)/(1<<20), float64(cost)/n/(1<<10))

	began := time.Now()
	id := r.job("alice")
	for _, conn := range conns {
		lines := bufio.NewReaderSize(conn, 512)
		for line := ""; !strings.Contains(line, id); {
			var err error
			if line, err = lines.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Logf("an event reached all of them within %s", time.Since(began))
}

// A client that takes nothing does not hold up one that does; it is cut off,
// and misses nothing when it comes back.
func TestSlowClient(t *testing.T) {
	const n = 600
	r := newHarness(t)
	id := r.job("alice")
	fast := r.listen("alice/operator", "", "")
	conn := r.dial("alice/operator")
	if err := conn.(*net.TCPConn).SetReadBuffer(128 << 10); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	slow := newListener(t, resp)
	if slow.block(); slow.id == "" {
		t.Fatal("the slow client is not served")
	}
	body := strings.Repeat("x", events.MaxResponse-100)
	var longest time.Duration
	for i := range n {
		began := time.Now()
		r.result(id, strconv.Itoa(i)+body)
		if f := fast.want("result", `"response":"`+strconv.Itoa(i)+"x"); f.name == "" {
			t.Fatal("the fast client is cut off")
		}
		longest = max(longest, time.Since(began))
	}
	t.Logf("%d results, stored and delivered one by one beside a client that takes nothing: the slowest within %s", n, longest)

	// It finds a part of the events, each whole, and then the end.
	seen := 0
	for f := slow.next(); f.name != ""; f = slow.next() {
		if !strings.Contains(f.data, `"response":"`+strconv.Itoa(seen)+"x") {
			t.Fatalf("event %d is %.300s", seen, f.data)
		}
		seen++
	}
	t.Logf("the slow client got %d of them before it was cut off", seen)
	if seen == n {
		t.Error("the slow client was not cut off")
	}
	again := r.listen("alice/operator", "", slow.id)
	for i := seen; i < n; i++ {
		again.want("result", `"response":"`+strconv.Itoa(i)+"x")
	}
}
