package jet_test

import (
	"fmt"
	"runtime"
	"strconv"
	"testing"

	"spool.internal/events"
	"spool.internal/events/eventstest"
)

// BenchmarkQueuedFiles is what the broker does for a job more often the more files it has queued: to say that there are
// any, and to make the consumer. Beside it what is asked of a consumer that is there.
func BenchmarkQueuedFiles(b *testing.B) {
	for _, n := range []int{10_000, 100_000, 200_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			bus := eventstest.Connect(b, eventstest.Start(b, eventstest.Options{Store: 8 << 30}))
			inBatches(b, n, func(part []events.SeenFile) error {
				triggers := make([]events.Trigger, len(part))
				for i, f := range part {
					file := events.NewFile(f.Path)
					file.Fingerprint, file.InputDir = f.Fingerprint, "a/b/fs/D/.spool/job/"+f.Fingerprint+"/input"
					triggers[i] = events.Trigger{ID: events.FileTriggerID("job", f.Fingerprint), JobID: "job", Kind: events.KindFile, File: file}
				}
				_, err := bus.CommitFiles(b.Context(), triggers)
				return err
			})
			b.Run("has", func(b *testing.B) {
				for b.Loop() {
					if has, err := bus.HasFiles(b.Context(), "job"); err != nil || !has {
						b.Fatal(has, err)
					}
				}
			})
			b.Run("has-none", func(b *testing.B) {
				for b.Loop() {
					if has, err := bus.HasFiles(b.Context(), "other"); err != nil || has {
						b.Fatal(has, err)
					}
				}
			})
			consumer := 0
			b.Run("make", func(b *testing.B) {
				for b.Loop() {
					consumer++
					q := bus.Files("job").Queue("file-"+strconv.Itoa(consumer), 1)
					if err := bus.Open(b.Context(), q); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run("ask", func(b *testing.B) {
				q := bus.Files("job").Queue("file-1", 1)
				for b.Loop() {
					if _, queued, err := bus.Unsettled(b.Context(), q); err != nil || queued != n {
						b.Fatal(queued, err)
					}
				}
			})
		})
	}
}

// inBatches calls f with n files of a job.
func inBatches(b *testing.B, n int, f func([]events.SeenFile) error) {
	b.Helper()
	for start := 0; start < n; start += 500 {
		var part []events.SeenFile
		for i := start; i < min(start+500, n); i++ {
			part = append(part, seenFile(i))
		}
		if err := f(part); err != nil {
			b.Fatal(err)
		}
	}
}

func seenFile(i int) events.SeenFile {
	path := "folder/file-" + strconv.Itoa(i)
	return events.SeenFile{JobID: "job", Path: path, Fingerprint: events.Hash(path)}
}

// BenchmarkLedger is the ledger of files: to look one entry up that is there (its block is loaded for it) and one that
// is not, and the memory of the process.
func BenchmarkLedger(b *testing.B) {
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			before := heap()
			srv := eventstest.Start(b, eventstest.Options{Store: 8 << 30})
			bus := eventstest.Connect(b, srv)
			inBatches(b, n, func(part []events.SeenFile) error { return bus.IgnoreFiles(b.Context(), part) })
			written := heap() - before
			srv.Restart(b)
			eventstest.Eventually(b, "connected again", func() bool {
				_, err := bus.SeenFiles(b.Context(), []events.SeenFile{seenFile(0)})
				return err == nil
			})
			opened := heap() - before
			look := func(b *testing.B, at func(i int) int, collect bool) {
				for i := 0; b.Loop(); i++ {
					if collect { // takes what the broker has loaded
						b.StopTimer()
						runtime.GC()
						runtime.GC()
						b.StartTimer()
					}
					if _, err := bus.SeenFiles(b.Context(), []events.SeenFile{seenFile(at(i))}); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.Run("loaded", func(b *testing.B) { look(b, func(int) int { return n / 2 }, false) })
			b.Run("collected", func(b *testing.B) { look(b, func(i int) int { return i * 7919 % n }, true) })
			b.Run("none", func(b *testing.B) { look(b, func(i int) int { return n + i }, false) })
			b.Run("heap", func(b *testing.B) {
				for b.Loop() {
				}
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(float64(written)/1e6, "MB-written")
				b.ReportMetric(float64(opened)/1e6, "MB-opened")
				b.ReportMetric(float64(heap()-before)/1e6, "MB-all-read")
			})
		})
	}
}

// heap is what is alive.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
