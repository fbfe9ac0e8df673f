package store

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// How fast a start looks through the store, from the system's cache.
func BenchmarkReadStreams(b *testing.B) {
	dir := b.TempDir()
	blocks := filepath.Join(dir, "RESULTS", blocksDir)
	if err := os.MkdirAll(blocks, 0o700); err != nil {
		b.Fatal(err)
	}
	var all int64
	for seq, n := uint64(1), 1; n <= 16; n++ {
		var text []byte
		for ; len(text) < 8<<20; seq++ {
			text = append(text, message("RESULTS", n, seq, "spool.result.job", "ce-type: x\r\n", strings.Repeat("x", 900))...)
		}
		if err := os.WriteFile(filepath.Join(blocks, fmt.Sprint(n)+blockEnding), text, 0o600); err != nil {
			b.Fatal(err)
		}
		all += int64(len(text))
	}
	b.SetBytes(all)
	for b.Loop() {
		if _, err := readStreams(dir); err != nil {
			b.Fatal(err)
		}
	}
}
