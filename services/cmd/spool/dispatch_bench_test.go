package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"spool.internal/events"
)

// BenchmarkDispatcherMemory is the peak resident memory of `spool dispatcher` as a
// process of its own while its 64 workers are busy with queued files. Its floor is
// the same process with nothing to do.
func BenchmarkDispatcherMemory(b *testing.B) {
	for _, c := range []struct {
		name  string
		files int
	}{{"floor", 0}, {"full", 20_000}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				b.ReportMetric(dispatcherMemory(b, c.files), "MB-peak")
			}
		})
	}
}

func dispatcherMemory(b *testing.B, files int) float64 {
	b.Helper()
	var calls atomic.Int64
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(5 * time.Millisecond)
		calls.Add(1)
		_, _ = io.WriteString(w, `{"status":"OK","data":{"job_id":"462eeed8-b051-45c8-8813-8a96d55991f9"}}`)
	}))
	defer endpoint.Close()
	p := newHarness(b)
	broker := p.start("broker", "--data", p.data, "--nats-listen", p.nats, "--durability", "interval")
	defer broker.kill()
	bus := p.bus()
	if _, err := bus.PutJob(b.Context(), events.JobEvent{Event: events.JobCreated, Job: events.Job{
		ID: "job", Username: "u", Status: events.Enabled, Parameters: fmt.Appendf(nil,
			`{"name":"n","flow_parameters":{"auth_token":"x","binary_path":"%s/f","input_dir":"%s/in","settings":{"spooled_mode":true}},"spool":{"max_concurrency":64}}`,
			testDrive, testDrive),
	}}, 0); err != nil {
		b.Fatal(err)
	}
	some := make([]events.Trigger, files)
	for i := range some {
		f := events.NewFile(fmt.Sprint("folder/file-", i))
		f.Fingerprint, f.InputDir = events.Hash(f.Path), testDrive+"/.spool/job/"+events.Hash(f.Path)+"/input"
		some[i] = events.Trigger{ID: events.FileTriggerID("job", f.Fingerprint), JobID: "job", Kind: events.KindFile, File: f}
	}
	if _, err := bus.CommitFiles(b.Context(), some); err != nil {
		b.Fatal(err)
	}
	d := p.start("dispatcher", "--data", p.data, "--nats-url", "nats://"+p.nats, "--nats-creds", filepath.Join(p.data, "dispatcher.creds"),
		"--run-binary-url", endpoint.URL)
	defer d.kill()
	p.eventually("all files are called", func() bool { return calls.Load() >= int64(files) })
	return memory(p, d.cmd.Process.Pid, "VmHWM:")
}
