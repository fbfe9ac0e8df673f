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
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// flood is how many files come at once.
const flood = 100_000

// BenchmarkFlood drops 100,000 files into one folder at once, and files into
// another folder meanwhile: into "roles", where each service is a process of its
// own, into "serve", and into one that links files rather than copies them. Its floor stores the same batches of triggers in a bare
// loop.
func BenchmarkFlood(b *testing.B) {
	for _, durability := range []string{"fsync", "interval"} {
		for _, shape := range []struct {
			name string
			run  func(b *testing.B, durability string)
		}{
			{"roles", func(b *testing.B, durability string) { floodSpool(b, (*harness).floodRoles, durability) }},
			{"serve", func(b *testing.B, durability string) {
				floodSpool(b, func(p *harness, durability, endpoint string) []*process { return p.floodServe(durability, endpoint) }, durability)
			}},
			{"serve-linked", func(b *testing.B, durability string) {
				floodSpool(b, func(p *harness, durability, endpoint string) []*process {
					return p.floodServe(durability, endpoint, "--stage", stageLink)
				}, durability)
			}},
			{"floor", floodFloor},
		} {
			b.Run(durability+"/"+shape.name, func(b *testing.B) {
				for b.Loop() {
					shape.run(b, durability)
				}
			})
		}
	}
}

// floodHarness makes a harness that stays until the last benchmark has ended: file
// systems slow down for minutes after so many files were removed.
func floodHarness(b *testing.B) *harness {
	dir, err := os.MkdirTemp(filepath.Dir(binary), "flood-")
	if err != nil {
		b.Fatal(err)
	}
	p := &harness{TB: b, data: filepath.Join(dir, "data"), dir: filepath.Join(dir, "drive"), nats: eventstest.FreeAddress(b), api: eventstest.FreeAddress(b)}
	for _, name := range []string{"many", "other", "prepared"} {
		if err := os.MkdirAll(filepath.Join(p.dir, name), 0o755); err != nil {
			b.Fatal(err)
		}
	}
	return p
}

func (p *harness) floodBroker(durability string) *process {
	return p.start("broker", "--data", p.data, "--nats-listen", p.nats, "--max-store", fmt.Sprint(8<<30), "--durability", durability)
}

// floodRoles starts the services, and gives their processes, the watcher's last.
func (p *harness) floodRoles(durability, endpoint string) []*process {
	as := func(role string, more ...string) []string {
		return append([]string{role, "--data", p.data, "--nats-url", "nats://" + p.nats, "--nats-creds", filepath.Join(p.data, role+".creds")}, more...)
	}
	return []*process{
		p.floodBroker(durability),
		p.start(as("dispatcher", "--run-binary-url", endpoint, "--workers", "256")...),
		p.start(as("watcher", "--drive", testDrive+"="+p.dir, "--durability", durability)...),
	}
}

func (p *harness) floodServe(durability, endpoint string, more ...string) []*process {
	return []*process{p.serve(append([]string{"--durability", durability, "--max-store", fmt.Sprint(8 << 30), "--run-binary-url", endpoint, "--workers", "256"}, more...)...)}
}

func floodSpool(b *testing.B, start func(p *harness, durability, endpoint string) []*process, durability string) {
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
	p := floodHarness(b)
	processes := start(p, durability, s.URL)
	bus := p.bus()
	for _, name := range []string{"many", "other"} {
		p.putWatchJob(bus, name, name, 256)
		p.watchLive(bus, name)
	}
	for n := range flood {
		if err := os.WriteFile(filepath.Join(p.dir, "prepared", fmt.Sprint("f", n)), []byte("content"), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	committed := make(chan time.Time, 1)
	var stored atomic.Int64
	if err := bus.Files("many").Hint(func(string) {
		if stored.Add(1) == flood {
			committed <- time.Now()
		}
	}); err != nil {
		b.Fatal(err)
	}

	worked := make([]time.Duration, len(processes))
	for i, pr := range processes {
		worked[i] = processor(p, pr.cmd.Process.Pid)
	}
	began := time.Now()
	for n := range flood {
		name := fmt.Sprint("f", n)
		if err := os.Rename(filepath.Join(p.dir, "prepared", name), filepath.Join(p.dir, "many", name)); err != nil {
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
	all := time.Duration(0)
	for i, pr := range processes {
		worked[i] = processor(p, pr.cmd.Process.Pid) - worked[i]
		all += worked[i]
	}
	b.ReportMetric(float64(all.Microseconds())/flood, "cpu-µs/file")
	if n := len(worked); n > 1 {
		b.ReportMetric(float64(worked[n-1].Microseconds())/flood, "cpu-µs/file-watcher")
		b.ReportMetric(float64(worked[0].Microseconds())/flood, "cpu-µs/file-broker")
	}
	b.ReportMetric(memory(p, processes[len(processes)-1].cmd.Process.Pid, "VmHWM:"), "MB")
	for _, pr := range slices.Backward(processes) { // the next round needs the memory and the ports
		pr.kill()
	}
}

func floodFloor(b *testing.B, durability string) {
	p := floodHarness(b)
	broker := p.floodBroker(durability)
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
