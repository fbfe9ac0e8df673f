package watcher

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"spool.internal/watcher/notify"
	"spool.internal/watcher/settle"
)

// stalled is a listener that lets nothing more be received until it is closed.
type stalled chan struct{}

func (s stalled) Changed(string, notify.Change) { <-s }
func (s stalled) Doubted()                      {}
func (s stalled) Overflowed()                   {}

// A pump that does not come to receive lets the queue of the system run over.
// What was lost then is found by the scan that the overflow asks for, long
// before a sweep would.
func TestStalledPumpOverflows(t *testing.T) {
	b := newHarness(t, func(w *Watcher) { w.cfg.Sweep = time.Hour })
	b.takeUntil(b.state(settle.Live))
	stall := make(stalled)
	if err := b.w.notifier.Watch(stall, b.f.work.watchedPath); err != nil {
		t.Fatal(err)
	}
	reports := 0
	for ; reports < 16384+notify.EventBuffer+4096; reports += 2 {
		name := filepath.Join(b.dir, fmt.Sprint(".", reports))
		if err := os.Mkdir(name, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	create(t, filepath.Join(b.dir, "lost"))
	close(stall)
	b.takeUntil(func() bool { return b.f.work.known.knowsName("lost") })
	b.takeUntil(b.state(settle.Live))
	if n := figure(t, b.w.meter.overflows); n == 0 {
		t.Error("nothing has overflowed: the test proves nothing")
	}
}
