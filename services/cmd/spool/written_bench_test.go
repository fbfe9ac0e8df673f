//go:build linux

package main

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"spool.internal/events"
)

// BenchmarkWritten is what is written for one execution, beside the file that it is about:
// B/run are the messages that streams store of it, with their headers and subjects, and a
// line of the log says of which stream; kB-written/run is what the kernel writes for spool
// (/proc/PID/io), whole pages of what few bytes change; fsyncs/run are counted by strace,
// where that is installed. Executions come one at a time, but for slots, which share their
// minute.
func BenchmarkWritten(b *testing.B) {
	const runs = 20
	b.Run("slot, built-in runner", func(b *testing.B) {
		p := newHarness(b)
		w := p.written("spool.run.ended.>")
		for n := range runs {
			p.job(fmt.Sprint("slot ", n), "* * * * *", "flow.ibflowbin", "in", nil)
		}
		w.measure(b, runs, func(func()) {}) // the minute comes by itself
	})
	b.Run("file, built-in runner", func(b *testing.B) {
		p := newHarness(b)
		w := p.written("spool.run.ended.>")
		p.job("files", "", "flow.ibflowbin", "in", nil)
		p.fileByFile(b, w, runs)
	})
	b.Run("file, endpoint", func(b *testing.B) {
		p := newHarness(b)
		answer := events.Encode(events.RunAnswer{Status: events.OK, Data: &events.RunData{JobID: "11111111-1111-1111-1111-111111111111", OutputFolder: testDrive + "/out"}})
		endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(answer) }))
		b.Cleanup(endpoint.Close)
		w := p.written("spool.result.>", "--run-binary-url", endpoint.URL+events.RunBinaryPath)
		p.job("files", "", "flow.ibflowbin", "in", nil)
		p.fileByFile(b, w, runs)
	})
}

// fileByFile renames one file after the other into the folder of a job.
func (p *harness) fileByFile(b *testing.B, w *written, runs int) {
	w.measure(b, runs, func(ended func()) {
		for n := range runs {
			name := fmt.Sprintf("scan%04d.pdf", n)
			err := os.WriteFile(filepath.Join(p.dir, name), []byte("%PDF"), 0o600)
			if err == nil {
				err = os.Rename(filepath.Join(p.dir, name), filepath.Join(p.dir, "in", name))
			}
			if err != nil {
				b.Fatal(err)
			}
			ended()
		}
	})
}

// written counts what a server writes.
type written struct {
	p     *harness
	pid   int
	ended chan struct{}

	mu    sync.Mutex
	bytes map[string]int // by the kind of message
	msgs  map[string]int
	seen  map[string]bool // subjects of events of runs, each of which is stored once: of two who tell one, one is refused
}

// written starts a server, and counts all messages that its streams store. One on the
// subject of ends ends an execution.
func (p *harness) written(ends string, flags ...string) *written {
	p.Helper()
	s := p.serve(flags...)
	w := &written{p: p, pid: s.cmd.Process.Pid, ended: make(chan struct{}, 1000), bytes: map[string]int{}, msgs: map[string]int{}, seen: map[string]bool{}}
	nc, err := nats.Connect("nats://"+p.nats, jetCreds(p))
	if err != nil {
		p.Fatal(err)
	}
	p.Cleanup(nc.Close)
	if _, err := nc.Subscribe("spool.>", w.count); err != nil {
		p.Fatal(err)
	}
	if _, err := nc.Subscribe(ends, func(*nats.Msg) { w.ended <- struct{}{} }); err != nil {
		p.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		p.Fatal(err)
	}
	return w
}

func (w *written) count(m *nats.Msg) {
	parts := strings.SplitN(m.Subject, ".", 4)
	kind := strings.Join(parts[:min(len(parts), 3)], ".")
	if parts[1] != "run" && parts[1] != "trigger" && parts[1] != "state" {
		kind = strings.Join(parts[:2], ".")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if parts[1] == "run" && w.seen[m.Subject] {
		return
	}
	w.seen[m.Subject] = true
	w.bytes[kind] += m.Size() - len(m.Reply)
	w.msgs[kind]++
}

// measure has executions begin and reports what was written until all have ended.
func (w *written) measure(b *testing.B, runs int, begin func(ended func())) {
	for b.Loop() {
		time.Sleep(time.Second) // what came before is done
		w.mu.Lock()
		clear(w.bytes)
		clear(w.msgs)
		w.mu.Unlock()
		left := runs
		one := func() { <-w.ended; left-- }
		before := processWritten(w.p, w.pid)
		syncs := w.countSyncs(b)
		begin(one)
		for left > 0 {
			one()
		}
		time.Sleep(time.Second) // acks, and the clearing of queues
		fsyncs := syncs()
		b.ReportMetric(float64(processWritten(w.p, w.pid)-before)/1000/float64(runs), "kB-written/run")
		if fsyncs >= 0 {
			b.ReportMetric(float64(fsyncs)/float64(runs), "fsyncs/run")
		}
		w.report(b, runs)
	}
	b.ReportMetric(0, "ns/op")
}

// report says what came of each kind of message, for one execution.
func (w *written) report(b *testing.B, runs int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all, msgs int
	var lines bytes.Buffer
	for _, kind := range slices.Sorted(maps.Keys(w.bytes)) {
		fmt.Fprintf(&lines, "\n%-28s %6.2f messages %7.0f bytes", kind, float64(w.msgs[kind])/float64(runs), float64(w.bytes[kind])/float64(runs))
		if !strings.HasPrefix(kind, "spool.state.") { // of roles and jobs, whatever runs
			all, msgs = all+w.bytes[kind], msgs+w.msgs[kind]
		}
	}
	b.Log(lines.String())
	b.ReportMetric(float64(all)/float64(runs), "B/run")
	b.ReportMetric(float64(msgs)/float64(runs), "msgs/run")
}

// countSyncs counts the fsyncs of the server until it is asked; -1 without strace.
func (w *written) countSyncs(b *testing.B) (counted func() int) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		b.Log("strace is not installed: fsyncs are not counted")
		return func() int { return -1 }
	}
	file := filepath.Join(b.TempDir(), "syncs")
	cmd := exec.Command(strace, "-f", "-qq", "-e", "trace=fsync,fdatasync,syncfs,sync_file_range", "-o", file, "-p", strconv.Itoa(w.pid))
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	time.Sleep(500 * time.Millisecond) // until it has attached
	return func() int {
		_ = cmd.Process.Signal(syscall.SIGINT)
		_ = cmd.Wait()
		text, err := os.ReadFile(file)
		if err != nil {
			b.Fatal(err)
		}
		return strings.Count(string(text), "sync") - strings.Count(string(text), "resumed")
	}
}

// jetCreds are the credentials that may do everything.
func jetCreds(p *harness) nats.Option {
	file := filepath.Join(p.TempDir(), "everything.creds")
	if err := os.WriteFile(file, p.streamsCreds(), 0o600); err != nil {
		p.Fatal(err)
	}
	return nats.UserCredentials(file)
}
