package gateway_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"spool.internal/events/eventstest"

	"spool.internal/gateway"
)

// slowly makes a body of n parts that come one after the other.
func slowly(part string, n int, between func(i int)) func(*http.Request) {
	return func(r *http.Request) {
		out, in := io.Pipe()
		r.Body, r.ContentLength = out, -1
		go func() { // ends with the request, which reads or closes the pipe
			for i := range n {
				between(i)
				if _, err := io.WriteString(in, part); err != nil {
					return
				}
			}
			_ = in.Close()
		}()
	}
}

// Somebody who watches the folder sees the name only with the whole content.
func TestUploadAppearsComplete(t *testing.T) {
	s, dir := newDriveHarness(t)
	const part, n = "0123456789abcdef", 64
	s.putFile("in/first", "x")
	name := filepath.Join(dir, "in/slow")
	looks := 0
	look := func(int) {
		for range 20 {
			looks++
			entries, err := os.ReadDir(filepath.Dir(name))
			if err != nil {
				t.Error(err)
			}
			for _, e := range entries {
				if e.Name() != "first" && !strings.HasPrefix(e.Name(), ".") {
					t.Errorf("%s is there before it is complete", e.Name())
				}
			}
		}
	}
	wantCode(t, s.file(http.MethodPut, "in/slow", "", slowly(part, n, look)), http.StatusNoContent)
	if got, err := os.ReadFile(name); err != nil || string(got) != strings.Repeat(part, n) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if got := left(t, dir); got != "in in/first in/slow" || looks < n {
		t.Errorf("%q is left, seen %d times", got, looks)
	}
}

// Contents of one name never mix, for readers neither.
func TestUploadsOfOneName(t *testing.T) {
	s, dir := newDriveHarness(t)
	const size = 200 << 10
	s.putFile("name", strings.Repeat("0", size))
	var writers, readers sync.WaitGroup
	var done atomic.Bool
	for i := range 8 {
		writers.Go(func() {
			for range 5 {
				if a := s.file(http.MethodPut, "name", strings.Repeat(fmt.Sprint(i+1), size)); a.code != http.StatusNoContent {
					t.Errorf("PUT answers %d %s", a.code, a.body)
				}
			}
		})
	}
	for range 2 {
		readers.Go(func() {
			for !done.Load() {
				a := s.file(http.MethodGet, "name", "")
				if len(a.body) != size || bytes.Count(a.body, a.body[:1]) != size {
					t.Errorf("GET answers %d with %d bytes, %d of them %q", a.code, len(a.body), bytes.Count(a.body, a.body[:1]), a.body[:1])
				}
			}
		})
	}
	writers.Wait()
	done.Store(true)
	readers.Wait()
	if got := left(t, dir); got != "name" {
		t.Errorf("%q is left", got)
	}
}

func TestUploadOnlyNew(t *testing.T) {
	s, dir := newDriveHarness(t)
	codes := make([]int, 16)
	var wg sync.WaitGroup
	for i := range codes {
		wg.Go(func() {
			codes[i] = s.file(http.MethodPut, "new/name", fmt.Sprint(i), header("If-None-Match", "*")).code
		})
	}
	wg.Wait()
	winner := -1
	for i, code := range codes {
		switch {
		case code == http.StatusNoContent && winner < 0:
			winner = i
		case code != http.StatusPreconditionFailed:
			t.Errorf("PUT %d answers %d after %d had won", i, code, winner)
		}
	}
	if a := s.file(http.MethodGet, "new/name", ""); string(a.body) != fmt.Sprint(winner) {
		t.Errorf("the content is %q; %d won", a.body, winner)
	}
	wantProblem(t, s.file(http.MethodPut, "new/name", "x", header("If-None-Match", "*")), http.StatusPreconditionFailed, "exists already")
	if got := left(t, dir); got != "new new/name" {
		t.Errorf("%q is left", got)
	}
}

func TestUploadTooLarge(t *testing.T) {
	s, dir := newDriveHarness(t, withConfig(func(c *gateway.Config) { c.MaxUpload = 300 << 10 }))
	s.putFile("largest", strings.Repeat("x", 300<<10)) // larger than any other body may be
	large := strings.Repeat("x", 300<<10+1)
	wantProblem(t, s.file(http.MethodPut, "in/a", large), http.StatusRequestEntityTooLarge, "larger than 307200 bytes")
	wantProblem(t, s.file(http.MethodPut, "in/a", "", slowly(large, 1, func(int) {})), http.StatusRequestEntityTooLarge, "larger than 307200 bytes")
	if got := left(t, dir); got != "largest" {
		t.Errorf("%q is left", got)
	}
}

// A client that goes away leaves nothing, not even the folders it asked for.
func TestUploadBrokenOff(t *testing.T) {
	s, dir := newDriveHarness(t)
	s.putFile("in/old", "old")
	for _, c := range []struct{ path, framing, body string }{
		{"in/old", "Content-Length: 1000", "new"},
		{"in/new", "Content-Length: 1000", "new"},
		{"in/new", "Transfer-Encoding: chunked", "3\r\nnew\r\n"},
		{"deep/er/new", "Transfer-Encoding: chunked", "3\r\nnew\r\n"},
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "PUT %sadmin/repo/fs/My%%20Drive/%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n%s\r\n\r\n%s",
			filesPath, c.path, s.admin, c.framing, c.body)
		eventstest.Eventually(t, "the server has begun", func() bool { return strings.Contains(left(t, dir), ".spool-upload-") })
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
		eventstest.Eventually(t, "nothing is left", func() bool { return left(t, dir) == "in in/old" })
	}
	if a := s.file(http.MethodGet, "in/old", ""); string(a.body) != "old" {
		t.Errorf("the old content became %q", a.body)
	}
}

// What servers that died have left goes with the first PUT of the next; what
// another server is receiving now stays.
func TestAbandonedUploads(t *testing.T) {
	s, dir := newDriveHarness(t)
	if err := os.MkdirAll(filepath.Join(dir, "in"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, age := range map[string]time.Duration{".spool-upload-OLD": 2 * time.Hour, ".spool-upload-NOW": 0, ".other": 2 * time.Hour} {
		name = filepath.Join(dir, "in", name)
		then := time.Now().Add(-age)
		if err := os.WriteFile(name, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, then, then); err != nil {
			t.Fatal(err)
		}
	}
	s.putFile("in/a", "a")
	if got := left(t, dir); got != "in in/.other in/.spool-upload-NOW in/a" {
		t.Errorf("%q is left", got)
	}
}

// The listener's limit on reading a request is none on receiving a file, as
// long as something arrives.
func TestSlowUploadOutlivesReadTimeout(t *testing.T) {
	s, _ := newDriveHarness(t)
	server := httptest.NewUnstartedServer(s.gateway.Handler())
	server.Config.ReadTimeout = 200 * time.Millisecond
	server.Start()
	t.Cleanup(server.Close)
	s.base = server.URL
	began := time.Now()
	a := s.file(http.MethodPut, "slow", "", slowly("x", 5, func(i int) {
		if i == 4 { // the time that this test is about
			<-time.After(time.Until(began.Add(600 * time.Millisecond)))
		}
	}))
	wantCode(t, a, http.StatusNoContent)
	if a := s.file(http.MethodGet, "slow", ""); string(a.body) != "xxxxx" {
		t.Errorf("the content is %q", a.body)
	}
}

func TestUploadStopsWithItsClient(t *testing.T) {
	s, dir := newDriveHarness(t)
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, s.base+filesPath+"admin/repo/fs/My%20Drive/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.admin)
	slowly("x", 1<<40, func(i int) { // it never ends: only its client's going does
		if i == 500 {
			cancel()
		}
	})(r)
	if resp, err := http.DefaultClient.Do(r); err == nil {
		_ = resp.Body.Close()
		t.Errorf("a cancelled PUT answers %d", resp.StatusCode)
	}
	eventstest.Eventually(t, "nothing is left", func() bool { return left(t, dir) == "" })
}
