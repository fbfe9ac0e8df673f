//go:build linux || darwin

package runner

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/services/runner/record"
)

// A log as large as one gets is asked for over NATS, as gateways do: the last 200 lines, and all of it, part by part. The
// floors read the same bytes from the file.
func BenchmarkLog(b *testing.B) {
	h := newHarness(b, eventstest.Options{})
	h.flow("flow", `yes "$(printf '%063d' 0)" | head -c 17000000`)
	r := h.runner(nil)
	id := h.accept(h.serve(r).URL, "one", "flow", `{}`)
	h.background(r.Run)
	runner := h.runnerOf(id)
	h.until(events.Ended, id)
	file := filepath.Join(record.Dir(h.data, id), "run.log")
	info, err := os.Stat(file)
	if err != nil {
		b.Fatal(err)
	}
	size := info.Size()
	const lines, line = 200, 64
	b.Run("tail", func(b *testing.B) {
		for b.Loop() {
			if _, text, err := h.bus.AskLog(b.Context(), runner, events.LogAsk{FlowJobID: id, Lines: lines, Most: events.MaxPart}); err != nil || bytes.Count(text, []byte("\n")) != lines {
				b.Fatalf("%d bytes, %v", len(text), err)
			}
		}
	})
	b.Run("tail-floor", func(b *testing.B) {
		text := make([]byte, lines*line)
		for b.Loop() {
			f, err := os.Open(file)
			if err == nil {
				_, err = f.ReadAt(text, size-lines*line)
			}
			if err != nil {
				b.Fatal(err)
			}
			_ = f.Close()
		}
	})
	b.Run("whole", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			for at := int64(0); at < size; {
				_, text, err := h.bus.AskLog(b.Context(), runner, events.LogAsk{FlowJobID: id, Offset: at, Most: events.MaxPart})
				if err != nil {
					b.Fatal(err)
				}
				at += int64(len(text))
			}
		}
	})
	b.Run("whole-floor", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			if text, err := os.ReadFile(file); err != nil || int64(len(text)) != size {
				b.Fatal(err)
			}
		}
	})
}
