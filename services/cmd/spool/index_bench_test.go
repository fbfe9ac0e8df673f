package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// Bounds of [BenchmarkGatewayIndex].
const (
	indexJobs    = 100_000
	indexResults = 10 // of each job
	indexRuns    = 3  // of them that have a run whose events are kept
)

// BenchmarkGatewayIndex is `spool gateway` as a process of its own with 100,000 jobs on 500
// schedules, 1,000,000 results, and what 300,000 runs have said: until it is ready, until it
// knows all executions, its memory, and how long first pages take. BENCH_STORE is a folder
// that keeps the store for the next time.
func BenchmarkGatewayIndex(b *testing.B) {
	p := newHarness(b)
	if dir := os.Getenv("BENCH_STORE"); dir != "" {
		p.data = dir
	}
	_, err := os.Stat(filepath.Join(p.data, "filled"))
	p.start("broker", "--data", p.data, "--nats-listen", p.nats, "--durability", "interval", "--max-store", fmt.Sprint(int64(25<<30)))
	if err != nil {
		fillIndex(p)
		if err := os.WriteFile(filepath.Join(p.data, "filled"), nil, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	if os.Getenv("BENCH_FILL") != "" {
		b.Skip("BENCH_FILL: the store is filled")
	}
	began := time.Now()
	gate := p.start("gateway", "--data", p.data, "--listen", p.api, "--nats-url", "nats://"+p.nats,
		"--nats-creds", filepath.Join(p.data, "gateway.creds"), "--rate", "-1")
	ready := time.Since(began)
	for knownFrom(p).After(began.Add(-time.Second)) {
		time.Sleep(50 * time.Millisecond)
		if time.Since(began) > 2*time.Minute {
			b.Fatal("the executions are not known after 2 minutes")
		}
	}
	filled := time.Since(began)
	queries := []string{
		"/api/v2/jobs?sort=next&limit=50",
		"/api/v2/jobs?state=failing&limit=50",
		"/api/v2/jobs?q=nightly+777&limit=50",
		"/api/v2/overview",
		"/api/v2/upcoming?limit=50",
		"/api/v2/results?limit=50",
		"/api/v2/results?outcome=failed&limit=50",
		"/", "/jobs?sort=next", "/jobs?state=failing",
	}
	queries = append(queries, pageOfOne(p)...)
	for range b.N {
		for _, q := range queries {
			b.Run(q, func(b *testing.B) { measureCalls(b, p, q) })
		}
	}
	pid := gate.cmd.Process.Pid
	b.Run("process", func(b *testing.B) {
		for b.Loop() {
			_ = pid
		}
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(float64(ready.Milliseconds()), "ms-ready")
		b.ReportMetric(float64(filled.Milliseconds()), "ms-filled")
		b.ReportMetric(memory(p, pid, "VmHWM:"), "MB-peak")
		b.ReportMetric(memory(p, pid, "VmRSS:"), "MB-resident")
	})
}

// measureCalls makes a call 500 times.
func measureCalls(b *testing.B, p *harness, q string) {
	var took []time.Duration
	size := 0
	for b.Loop() {
		took = nil
		for range 500 {
			began := time.Now()
			size = len(indexGet(p, q))
			took = append(took, time.Since(began))
		}
	}
	slices.Sort(took)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms-p50")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "ms-p99")
	b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "ms-longest") // of a broker that has dropped its blocks
	b.ReportMetric(float64(size)/1000, "kB")
}

// pageOfOne are the pages of a job and of a run.
func pageOfOne(p *harness) []string {
	p.Helper()
	var list struct {
		Results []struct {
			JobID     string `json:"job_id"`
			TriggerID string `json:"trigger_id"`
		} `json:"results"`
	}
	if err := json.Unmarshal(indexGet(p, "/api/v2/results?outcome=failed&limit=1"), &list); err != nil || len(list.Results) == 0 {
		p.Fatalf("no run has failed: %v", err)
	}
	return []string{"/jobs/" + list.Results[0].JobID, "/runs/" + list.Results[0].TriggerID}
}

// knownFrom is since when the gateway knows all executions.
func knownFrom(p *harness) time.Time {
	p.Helper()
	var o struct {
		KnownFrom time.Time `json:"known_from"`
	}
	if err := json.Unmarshal(indexGet(p, "/api/v2/overview"), &o); err != nil {
		p.Fatal(err)
	}
	return o.KnownFrom
}

func indexGet(p *harness, path string) []byte {
	p.Helper()
	req, err := http.NewRequest(http.MethodGet, "http://"+p.api+path, nil)
	if err != nil {
		p.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.adminToken())
	if !strings.HasPrefix(path, "/api/") { // a page, as a browser asks for it
		req.Header.Set("Accept", "text/html")
		req.Header.Set("Accept-Encoding", "gzip")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		p.Fatalf("%s: %d %.300s %v", path, resp.StatusCode, text, err)
	}
	return text
}

// fillIndex stores jobs, results, and runs. Each hundredth job fails. The slots are long ago, so that every trigger
// has to be read that is shown: the worst case.
func fillIndex(p *harness) {
	p.Helper()
	bus := p.bus()
	ids := make([]string, indexJobs)
	parallel(p, indexJobs, func(i int) error {
		ids[i] = uuid.NewString()
		body := fmt.Sprintf(`{"schedule":"%d %d * * *","name":"nightly %06d","flow_parameters":{"auth_token":"********","binary_path":"a/b/fs/D/f","input_dir":"a/b/fs/D/in",`+
			`"settings":{"tags":["team %d"],"webhook_config":{"url":"https://example.com/webhook","headers":{"Authorization":"********"}}}}}`, i%60, i%500/60, i, i%20)
		_, err := bus.PutJob(p.Context(), events.JobEvent{Event: events.JobCreated, Job: events.Job{
			ID: ids[i], Username: "admin", Status: events.Enabled, Name: fmt.Sprintf("nightly %06d", i), CreatedOnNS: time.Now().UnixNano(),
			Parameters: json.RawMessage(body), Secrets: map[string]string{events.TokenPointer: fmt.Sprintf("%0110d", i)},
		}}, 0)
		return err
	})
	flow := func(i, n int) string { return events.FlowJobID("admin", fmt.Sprint(i, n)) }
	for n := range indexResults {
		parallel(p, indexJobs/500, func(part int) error {
			var batch []events.Result
			for i := part * 500; i < (part+1)*500; i++ {
				r := events.Result{
					JobID: ids[i], TriggerID: events.CronTriggerID(ids[i], events.Minute(n)), Kind: events.KindCron, Minute: events.Minute(n),
					TriggeredAt: time.Now(), EndedNS: time.Now().UnixNano(), Status: events.OK, Attempts: 1, FlowJobID: flow(i, n),
					HTTP: events.HTTPResult{Status: "200", Response: `{"status": "OK", "data": {"job_id": "` + flow(i, n) + `", "output_folder": "admin/repo/fs/D/out"}}`},
				}
				r.Judge(false, true)
				batch = append(batch, r)
			}
			return bus.PutResults(p.Context(), batch...)
		})
	}
	parallel(p, indexJobs*indexRuns, func(k int) error { return putEnd(p, bus, ids, flow, k) })
}

// putEnd stores the end of a run, which is all that is read of one that has ended.
func putEnd(p *harness, bus *jet.Bus, ids []string, flow func(i, n int) string, k int) error {
	i, n := k%indexJobs, indexResults-indexRuns+k/indexJobs
	now := time.Now()
	ev := events.RunEvent{
		Phase: events.Ended, At: now, StartedAt: now.Add(-time.Second), Attempt: 1, Status: events.OK, FlowJobID: flow(i, n), JobID: ids[i],
		TriggerID: events.CronTriggerID(ids[i], events.Minute(n)), Owner: "admin", BinaryPath: "a/b/fs/D/f", InputDir: "a/b/fs/D/in", OutputFolder: "a/b/fs/D/out",
	}
	if i%100 == 0 {
		ev.Status, ev.Message = events.ERROR, "exit status 3"
	}
	return bus.PutRunEvent(p.Context(), ev, 0)
}

// parallel calls f with 0 to n-1, from 64 goroutines.
func parallel(p *harness, n int, f func(i int) error) {
	p.Helper()
	var wg sync.WaitGroup
	for part := range 64 {
		wg.Go(func() {
			for i := part; i < n; i += 64 {
				err := f(i)
				for n := 0; err != nil && n < 50; n++ { // the store is busy
					time.Sleep(100 * time.Millisecond)
					err = f(i)
				}
				if err != nil {
					p.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if p.Failed() {
		p.FailNow()
	}
}
