//go:build linux

package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// flood is how many files come at once.
const flood = 100_000

// BenchmarkFlood drops 100,000 files into one folder at once, each service a
// process of its own, and files into another folder meanwhile. Its floor stores
// the same batches of triggers in a bare loop.
func BenchmarkFlood(b *testing.B) {
	b.Run("spool", func(b *testing.B) {
		for b.Loop() {
			floodSpool(b)
		}
	})
	b.Run("floor", func(b *testing.B) {
		for b.Loop() {
			floodFloor(b)
		}
	})
}

func floodSpool(b *testing.B) {
	var called atomic.Int64
	var first, last atomic.Int64 // ns since 1970
	other := make(chan time.Time, 16)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		now := time.Now()
		_, _ = io.WriteString(w, `{"status":"OK"}`)
		if strings.Contains(string(body), "/.spool/other/") {
			other <- now
			return
		}
		first.CompareAndSwap(0, now.UnixNano())
		if called.Add(1) == flood {
			last.Store(now.UnixNano())
		}
	}))
	defer s.Close()
	p := newSite(b)
	broker := p.start("broker", "--data", p.data, "--nats-listen", p.nats, "--max-store", fmt.Sprint(8<<30))
	bus := p.bus()
	on := []string{"--data", p.data, "--nats-url", "nats://" + p.nats, "--nats-creds", filepath.Join(p.data, "service.creds")}
	dispatch := p.start(append([]string{"dispatcher", "--run-binary-url", s.URL, "--workers", "256"}, on...)...)
	watch := p.start(append([]string{"watcher", "--drive", testDrive + "=" + p.dir}, on...)...)
	for _, name := range []string{"many", "other"} {
		if err := os.Mkdir(filepath.Join(p.dir, name), 0o755); err != nil {
			b.Fatal(err)
		}
		p.putWatchJob(bus, name, name, 256)
		p.watchLive(bus, name)
	}
	prepared := filepath.Join(p.dir, "prepared")
	if err := os.Mkdir(prepared, 0o755); err != nil {
		b.Fatal(err)
	}
	for n := range flood {
		if err := os.WriteFile(filepath.Join(prepared, fmt.Sprint("f", n)), []byte("content"), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	committed := make(chan time.Time, 1)
	var stored atomic.Int64
	if err := bus.Hint(events.FilesOf("many"), func(string) {
		if stored.Add(1) == flood {
			committed <- time.Now()
		}
	}); err != nil {
		b.Fatal(err)
	}

	began := time.Now()
	for n := range flood {
		name := fmt.Sprint("f", n)
		if err := os.Rename(filepath.Join(prepared, name), filepath.Join(p.dir, "many", name)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(time.Since(began).Seconds(), "s-dropping")
	var waits []time.Duration
	for n := 0; last.Load() == 0; n++ {
		dropped := time.Now()
		dropRenamed(b, p.dir, filepath.Join(p.dir, "other"), n)
		waits = append(waits, (<-other).Sub(dropped))
		time.Sleep(50 * time.Millisecond)
	}
	slices.Sort(waits)
	b.ReportMetric((<-committed).Sub(began).Seconds(), "s-committed")
	b.ReportMetric(flood/time.Duration(last.Load()-first.Load()).Seconds(), "files/s-called")
	b.ReportMetric(float64(waits[len(waits)/2].Microseconds())/1000, "ms-other-p50")
	b.ReportMetric(float64(waits[len(waits)-1].Microseconds())/1000, "ms-other-max")
	b.ReportMetric(memory(p, watch.cmd.Process.Pid, "VmHWM:"), "MB-watcher")
	for _, pr := range []*process{watch, dispatch, broker} { // the next round needs the memory and the ports
		pr.kill()
	}
	if err := os.RemoveAll(p.dir); err != nil {
		b.Fatal(err)
	}
}

func floodFloor(b *testing.B) {
	p := newSite(b)
	broker := p.start("broker", "--data", p.data, "--nats-listen", p.nats, "--max-store", fmt.Sprint(8<<30))
	defer broker.kill()
	bus := p.bus()
	var batches [][]events.Trigger
	for n := 0; n < flood; {
		var batch []events.Trigger
		for ; len(batch) < jet.MaxBatch/2 && n < flood; n++ {
			f := events.NewFile(fmt.Sprint("f", n))
			f.Fingerprint = fmt.Sprintf("%032x", n)
			f.Size, f.ModifiedNS = 7, time.Now().UnixNano()
			f.InputDir = testDrive + "/.spool/many/" + f.Fingerprint + "/input"
			batch = append(batch, events.Trigger{
				ID: events.FileTriggerID("many", f.Fingerprint), JobID: "many", Kind: events.KindFile, JobSeq: 1, At: time.Now().UTC(), File: f,
			})
		}
		batches = append(batches, batch)
	}
	began := time.Now()
	for _, batch := range batches {
		if _, err := bus.CommitFiles(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(time.Since(began).Seconds(), "s-committed")
}
