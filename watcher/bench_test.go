package watcher_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
	"spool.internal/watcher"
)

// A file is renamed in, and its trigger is taken off the queue. Beyond the
// quiet time is what the watcher, the stage and the commit cost; the floor is
// [BenchmarkFloorRenamedIn].
func BenchmarkRenamedIn(b *testing.B) {
	for _, sync := range []bool{false, true} {
		b.Run(fmt.Sprintf("fsync=%t", sync), func(b *testing.B) {
			r := newRig(b, eventstest.Options{Sync: sync})
			r.cfg.SyncStage = sync
			dir := r.dir("in")
			r.job("job", "in", nil)
			r.start()
			taken := r.pull()
			r.awaitLog("folder is watched")
			n := 0
			for b.Loop() {
				r.drop(filepath.Join(dir, fmt.Sprint("f-", n)), "content")
				n++
				<-taken
			}
			beyond := b.Elapsed()/time.Duration(b.N) - watcher.DefaultQuiet
			b.ReportMetric(float64(beyond.Microseconds()), "µs-beyond-quiet/op")
		})
	}
}

// The same file, and nothing but the report of the system.
func BenchmarkFloorRenamedIn(b *testing.B) {
	root := b.TempDir()
	dir := filepath.Join(root, "in")
	if err := os.Mkdir(dir, 0o755); err != nil {
		b.Fatal(err)
	}
	w, err := fsnotify.NewWatcher()
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	if err := w.Add(dir); err != nil {
		b.Fatal(err)
	}
	n := 0
	for b.Loop() {
		tmp := filepath.Join(root, "tmp")
		if err := os.WriteFile(tmp, []byte("content"), 0o644); err != nil {
			b.Fatal(err)
		}
		if err := os.Rename(tmp, filepath.Join(dir, fmt.Sprint("f-", n))); err != nil {
			b.Fatal(err)
		}
		n++
		<-w.Events
	}
}

// A thousand files lie in a folder when its job is made.
func BenchmarkThousandFiles(b *testing.B) {
	for _, sync := range []bool{false, true} {
		b.Run(fmt.Sprintf("fsync=%t", sync), func(b *testing.B) {
			r := newRig(b, eventstest.Options{Sync: sync})
			r.cfg.SyncStage = sync
			r.start()
			taken := r.pull()
			n := 0
			for b.Loop() {
				b.StopTimer()
				name := fmt.Sprint("in-", n)
				n++
				dir := r.dir(name)
				for i := range 1000 {
					r.write(filepath.Join(dir, fmt.Sprint("f-", i)), "content")
				}
				time.Sleep(2 * watcher.DefaultQuiet) // all of them quiet
				b.StartTimer()
				r.job(name, name, nil)
				for range 1000 {
					<-taken
				}
			}
			b.ReportMetric(float64(1000*b.N)/b.Elapsed().Seconds(), "files/s")
		})
	}
}

// pull takes every trigger off the queue, and tells of each.
func (r *rig) pull() <-chan struct{} {
	ctx, cancel := context.WithCancel(r.Context())
	taken := make(chan struct{}, 10_000)
	done := make(chan error, 1)
	go func() {
		done <- r.bus.Pull(ctx, jet.Queue{
			Stream: events.StreamFiles, Name: "bench", Filter: events.AllFiles, Pending: 10_000,
		}, 1000, func(d *jet.Delivery) {
			if err := d.Ack(); err != nil {
				r.Error(err)
			}
			taken <- struct{}{}
		})
	}()
	r.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			r.Error(err)
		}
	})
	return taken
}
