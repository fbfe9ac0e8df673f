package files_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const idle = 100 * time.Millisecond

// A client that stalls holds neither a place nor a part of a file, whether it
// has said how much it would send or not.
func TestStalledUpload(t *testing.T) {
	base := t.TempDir()
	b := newHarness(t, base, idle)
	for framing, body := range map[string]string{"Content-Length: 1000": "begun", "Transfer-Encoding: chunked": "5\r\nbegun\r\n"} {
		conn := b.dial()
		fmt.Fprintf(conn, "PUT %s HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n%s", b.path("x"), framing, body)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%s: %v", framing, err)
		}
		text, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusRequestTimeout || !strings.Contains(string(text), "send the file again") {
			t.Errorf("%s: answer %d %s, %v", framing, resp.StatusCode, text, err)
		}
		entries, err := os.ReadDir(filepath.Join(base, "a/b/fs/D"))
		if err != nil || len(entries) != 0 {
			t.Errorf("%s: %v is left, %v", framing, entries, err)
		}
	}
}

func TestStalledDownload(t *testing.T) {
	base := t.TempDir()
	b := newHarness(t, base, idle)
	if code, body := b.send(http.MethodPut, "x", strings.NewReader("small")); code != http.StatusNoContent {
		t.Fatalf("answer %d %s", code, body)
	}
	<-b.ended
	if err := os.Truncate(filepath.Join(base, "a/b/fs/D/x"), 256<<20); err != nil { // more than all buffers between
		t.Fatal(err)
	}
	b.request(http.MethodGet, "x", nil) // and nobody reads
	select {
	case <-b.ended:
	case <-time.After(30 * time.Second):
		t.Error("the download holds its place for ever")
	}
}

// HEAD does not read the file: of this size that would show.
func TestHeadOfLargeFile(t *testing.T) {
	base := t.TempDir()
	b := newHarness(t, base, 0)
	if code, body := b.send(http.MethodPut, "x", strings.NewReader("small")); code != http.StatusNoContent {
		t.Fatalf("answer %d %s", code, body)
	}
	if err := os.Truncate(filepath.Join(base, "a/b/fs/D/x"), 1<<42); err != nil {
		t.Fatal(err)
	}
	if resp := b.request(http.MethodHead, "x", nil); resp.ContentLength != 1<<42 {
		t.Errorf("HEAD tells of %d bytes", resp.ContentLength)
	}
}
