package files_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const idle = 100 * time.Millisecond

// A client that stalls holds neither a place nor a part of a file.
func TestStalledUpload(t *testing.T) {
	base := t.TempDir()
	b := newBench(t, base, idle)
	out, in := io.Pipe()
	t.Cleanup(func() { _ = in.Close() })
	code, body := b.send(http.MethodPut, "x", io.MultiReader(strings.NewReader("begun"), out))
	if code != http.StatusRequestTimeout || !strings.Contains(body, "send the file again") {
		t.Errorf("answer %d %s", code, body)
	}
	entries, err := os.ReadDir(filepath.Join(base, "a/b/fs/D"))
	if err != nil || len(entries) != 0 {
		t.Errorf("%v is left, %v", entries, err)
	}
}

func TestStalledDownload(t *testing.T) {
	base := t.TempDir()
	b := newBench(t, base, idle)
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
	b := newBench(t, base, 0)
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
