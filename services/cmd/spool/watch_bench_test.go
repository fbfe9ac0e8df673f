//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// BenchmarkWatch is the time from a file's being there to the run-binary request
// at the endpoint, of spool as a process of its own. Its floor is bare fsnotify
// whose handler sends the request at once and keeps no record; its peers keep
// none either. The durable floor is one fsync more: a line about the file is on the
// disk before the request.
func BenchmarkWatch(b *testing.B) {
	for _, durability := range []string{"interval", "fsync"} {
		b.Run("renamed-in/"+durability, func(b *testing.B) { watchSpool(b, dropRenamed, "--durability", durability) })
	}
	b.Run("renamed-in/floor", func(b *testing.B) { watchFloor(b, fsnotify.Create, dropRenamed, func(string) error { return nil }) })
	b.Run("renamed-in/durable-floor", func(b *testing.B) { watchFloor(b, fsnotify.Create, dropRenamed, noteDown(b)) })
	for _, p := range peers {
		b.Run("renamed-in/"+p.name, func(b *testing.B) { watchPeer(b, p) })
	}
	for _, durability := range []string{"interval", "fsync"} {
		b.Run("written/"+durability, func(b *testing.B) { watchSpool(b, dropWritten, "--durability", durability) })
	}
	// A link is the floor of a stage. On the second file system blocks are shared.
	for _, size := range []int{7, 1 << 20, 64 << 20} {
		for _, stage := range []string{stageCopy, stageLink} {
			b.Run(fmt.Sprintf("stage/%s/%dB", stage, size), func(b *testing.B) {
				watchSpool(b, dropSized(size), "--durability", "fsync", "--stage", stage)
			})
		}
		b.Run(fmt.Sprintf("stage/reflink/%dB", size), func(b *testing.B) {
			watchSpoolOn(b, eventstest.Reflinks(b), dropSized(size), "--durability", "fsync")
		})
		b.Run(fmt.Sprintf("stage/link-beside-reflink/%dB", size), func(b *testing.B) {
			watchSpoolOn(b, eventstest.Reflinks(b), dropSized(size), "--durability", "fsync", "--stage", "link")
		})
	}
}

// endpoint answers at once, and tells that it was asked.
func nullEndpoint(b testing.TB, asked func()) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		asked()
		_, _ = io.WriteString(w, `{"status":"OK"}`)
	}))
	b.Cleanup(s.Close)
	return s.URL
}

func watchSpool(b *testing.B, drop func(b *testing.B, base, in string, n int), flags ...string) {
	watchSpoolOn(b, "", drop, flags...)
}

// watchSpoolOn has the drive of the job in a folder, or where those of tests are.
func watchSpoolOn(b *testing.B, dir string, drop func(b *testing.B, base, in string, n int), flags ...string) {
	arrived := make(chan struct{}, 16)
	p := newHarness(b)
	if dir != "" {
		p.dir = dir
		if err := os.Mkdir(filepath.Join(dir, "in"), 0o755); err != nil {
			b.Fatal(err)
		}
	}
	p.serve(append([]string{"--run-binary-url", nullEndpoint(b, func() { arrived <- struct{}{} })}, flags...)...)
	p.watchLive(p.bus(), p.job("in", "", "flow.ibflowbin", "in", nil))
	in := filepath.Join(p.dir, "in")
	for n := range 20 { // the first find everything cold
		drop(b, p.dir, in, n-20)
		<-arrived
	}
	measure(b, func(n int) { drop(b, p.dir, in, n) }, arrived)
}

// watchLive waits until the folder of a job is watched.
func (p *harness) watchLive(bus *jet.Bus, job string) {
	p.Helper()
	p.eventually("the folder is watched", func() bool {
		m, found, err := bus.WatchState(job).Last(p.Context())
		var s events.WatchState
		return err == nil && found && json.Unmarshal(m.Data, &s) == nil && s.State == "live"
	})
}

// noteDown writes a line about each file into a log, and syncs it.
func noteDown(b *testing.B) func(file string) error {
	log, err := os.Create(filepath.Join(b.TempDir(), "log"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = log.Close() })
	return func(file string) error {
		if _, err := fmt.Fprintln(log, file); err != nil {
			return err
		}
		return log.Sync()
	}
}

func watchFloor(b *testing.B, op fsnotify.Op, drop func(b *testing.B, base, in string, n int), note func(file string) error) {
	arrived := make(chan struct{}, 16)
	endpoint := nullEndpoint(b, func() { arrived <- struct{}{} })
	base := b.TempDir()
	in := filepath.Join(base, "in")
	if err := os.Mkdir(in, 0o755); err != nil {
		b.Fatal(err)
	}
	w, err := fsnotify.NewWatcher()
	if err != nil {
		b.Fatal(err)
	}
	if err := w.Add(in); err != nil {
		b.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for ev := range w.Events {
			if !ev.Has(op) {
				continue
			}
			if err := note(ev.Name); err != nil {
				b.Error(err)
				return
			}
			resp, err := http.Post(endpoint, "application/json", strings.NewReader(`{"input_dir":"x"}`))
			if err != nil {
				b.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
	})
	b.Cleanup(func() { _ = w.Close(); wg.Wait() })
	measure(b, func(n int) { drop(b, base, in, n) }, arrived)
}

// dropRenamed has the content come with the name.
func dropRenamed(b *testing.B, base, in string, n int) {
	tmp := filepath.Join(base, "new")
	if err := os.WriteFile(tmp, []byte("content"), 0o644); err != nil {
		b.Fatal(err)
	}
	if err := os.Rename(tmp, filepath.Join(in, fmt.Sprint("f", n))); err != nil {
		b.Fatal(err)
	}
}

// dropSized renames in one file of a size, which is the same at each drop, so
// that its own content costs no time.
func dropSized(size int) func(b *testing.B, base, in string, n int) {
	return func(b *testing.B, base, in string, n int) {
		b.Helper()
		source := filepath.Join(base, "sized")
		if _, err := os.Stat(source); err != nil {
			if err := os.WriteFile(source, bytes.Repeat([]byte("7 bytes"), size/7), 0o644); err != nil {
				b.Fatal(err)
			}
		}
		last := filepath.Join(in, fmt.Sprint("f", n-1))
		if err := os.Rename(last, source); err != nil && !errors.Is(err, fs.ErrNotExist) {
			b.Fatal(err)
		}
		if err := os.Rename(source, filepath.Join(in, fmt.Sprint("f", n))); err != nil {
			b.Fatal(err)
		}
	}
}

// dropWritten writes the file where it is to be.
func dropWritten(b *testing.B, _, in string, n int) {
	if err := os.WriteFile(filepath.Join(in, fmt.Sprint("f", n)), []byte("content"), 0o644); err != nil {
		b.Fatal(err)
	}
}

func measure(b *testing.B, drop func(n int), arrived <-chan struct{}) {
	var took []time.Duration
	for n := 0; b.Loop(); n++ {
		began := time.Now()
		drop(n)
		<-arrived
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms-p50")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "ms-p99")
}
