package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"spool.internal/events"
)

// BenchmarkGatewayMemory is the peak resident memory of `spool gateway` as a process of its own: with 100,000 jobs,
// when it knows all results that are stored, and how much a list of 10,000 and of 100,000 jobs with 10 results each
// needs above what the process has when that begins. Its floor is the same process with nothing stored.
func BenchmarkGatewayMemory(b *testing.B) {
	for _, c := range []struct {
		name          string
		jobs, results int
	}{{"floor", 0, 0}, {"100000-jobs", 100_000, 0}, {"list-10000x10", 10_000, 10}, {"list-100000x10", 100_000, 10}} {
		b.Run(c.name, func(b *testing.B) {
			p := newHarness(b)
			p.start("broker", "--data", p.data, "--nats-listen", p.nats, "--durability", "interval", "--max-store", fmt.Sprint(8<<30))
			fillStore(p, c.jobs, c.results)
			gate := p.start("gateway", "--data", p.data, "--listen", p.api, "--nats-url", "nats://"+p.nats,
				"--nats-creds", filepath.Join(p.data, "gateway.creds")).cmd.Process.Pid
			loaded := memory(p, gate, "VmHWM:")
			listAll(p, "?limit=1") // is answered when all results are known
			known, before := memory(p, gate, "VmHWM:"), memory(p, gate, "VmRSS:")
			forgetPeak(p, gate)
			for b.Loop() {
				listAll(p, "")
			}
			b.ReportMetric(loaded, "MB-loaded")
			b.ReportMetric(known, "MB-known")
			b.ReportMetric(memory(p, gate, "VmHWM:")-before, "MB-grown-by-list")
		})
	}
}

// forgetPeak has the peak of a process begin at what it has now.
func forgetPeak(p *harness, pid int) {
	p.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0); err != nil {
		p.Fatal(err)
	}
}

func fillStore(p *harness, jobs, results int) {
	p.Helper()
	bus := p.bus()
	body := `{"schedule":"@daily","name":"Daily Job","flow_parameters":{"auth_token":"` + events.Mask + `","binary_path":"a/b/fs/D/f","input_dir":"a/b/fs/D/in",` +
		`"settings":{"tags":["tag1"],"webhook_config":{"url":"https://example.com/webhook","headers":{"Authorization":"` + events.Mask + `"}}}}}`
	ids := make([]string, jobs)
	var wg sync.WaitGroup
	for part := range 8 {
		wg.Go(func() {
			for i := part; i < jobs; i += 8 {
				ids[i] = uuid.NewString()
				_, err := bus.PutJob(p.Context(), events.JobEvent{Event: events.JobCreated, Job: events.Job{
					ID: ids[i], Username: "admin", Status: events.Enabled, Name: "Daily Job", CreatedOnNS: time.Now().UnixNano(),
					Parameters: json.RawMessage(body), Secrets: map[string]string{events.TokenPointer: strings.Repeat("x", 110)},
				}}, 0)
				if err != nil {
					p.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	var batch []events.Result
	for n := range results {
		for i, id := range ids {
			r := events.Result{
				JobID: id, TriggerID: events.CronTriggerID(id, events.Minute(n)), EndedNS: time.Now().UnixNano(), Status: events.OK,
				HTTP: events.HTTPResult{Status: "200", Response: `{"status": "OK", "data": {"job_id": "462eeed8-b051-45c8-8813-8a96d55991f9"}}`},
			}
			if batch = append(batch, r); len(batch) == 500 || i == len(ids)-1 {
				if err := bus.PutResults(p.Context(), batch...); err != nil {
					p.Fatal(err)
				}
				batch = nil
			}
		}
	}
}

func listAll(p *harness, query string) {
	p.Helper()
	req, err := http.NewRequest(http.MethodGet, "http://"+p.api+v1+"list_jobs"+query, nil)
	if err != nil {
		p.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.adminToken())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		p.Fatal(err)
	}
}

// memory reads a field of /proc/<pid>/status, in MB.
func memory(p *harness, pid int, field string) float64 {
	p.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		p.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, field); ok {
			var kb float64
			if _, err := fmt.Sscan(rest, &kb); err != nil {
				p.Fatal(err)
			}
			return kb / 1024
		}
	}
	p.Fatalf("no %s", field)
	return 0
}
