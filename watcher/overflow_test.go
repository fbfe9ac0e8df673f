package watcher

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"spool.internal/watcher/settle"
)

// A pump that does not come to receive lets the queue of the system run over.
// What was lost then is found by the scan that the overflow asks for, long
// before a sweep would.
func TestStalledPumpOverflows(t *testing.T) {
	b := newBench(t, func(w *Watcher) { w.cfg.Sweep = time.Hour })
	b.takeUntil(b.state(settle.Live))
	s := b.w.notifier.of(b.f.listening)
	reports := 0
	s.mu.Lock() // the pump takes it to tell
	for ; reports < 16384+eventBuffer+4096; reports += 2 {
		name := filepath.Join(b.dir, fmt.Sprint(".", reports))
		if err := os.Mkdir(name, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	create(t, filepath.Join(b.dir, "lost"))
	s.mu.Unlock()
	b.takeUntil(func() bool { return b.f.known.holds("lost") })
	b.takeUntil(b.state(settle.Live))
	if n := figure(t, b.w.meter.overflows); n == 0 {
		t.Error("nothing has overflowed: the test proves nothing")
	}
}
