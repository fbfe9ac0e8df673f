package gateway_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// How `make bench-api` measures: real HTTP, a real broker on disk. Every figure
// stands beside its floor of the same run.

const clients = 64

// BenchmarkCreateJob is create_job by 64 clients at once; its floor is bare
// publishes of the same events to JOBS with the same durability.
func BenchmarkCreateJob(b *testing.B) {
	b.Run("api", func(b *testing.B) {
		s := newHarness(b, withFsync)
		body := []byte(seedBody)
		each(b, func() error {
			req, err := http.NewRequest(http.MethodPost, s.base+"/api/v1/scheduler/create_job", bytes.NewReader(body))
			if err != nil {
				return err
			}
			req.Header.Set("Authorization", "Bearer "+s.admin)
			_, err = do(req)
			return err
		})
	})
	b.Run("floor", func(b *testing.B) {
		s := newHarness(b, withFsync)
		each(b, func() error {
			_, err := s.bus.PutJob(b.Context(), events.JobEvent{Event: events.JobCreated, Job: benchJob(uuid.NewString())}, 0)
			return err
		})
	})
}

// each runs f b.N times from all clients.
func each(b *testing.B, f func() error) {
	http.DefaultTransport.(*http.Transport).MaxIdleConnsPerHost = clients
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for range clients {
		wg.Go(func() {
			for next.Add(1) <= int64(b.N) {
				if err := f(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
}

func do(req *http.Request) ([]byte, error) {
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && !bytes.Contains(text, []byte(`"status":"OK"`)) {
		err = fmt.Errorf("%s: %.200s", resp.Status, text)
	}
	return text, err
}

// seedBody is what the documentation's example sends, without its spaces.
var seedBody = func() string {
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(seedCreate)); err != nil {
		panic(err)
	}
	return b.String()
}()

func benchJob(id string) events.Job {
	masked := strings.NewReplacer("<oauth token>", events.Mask, "Bearer 12345", events.Mask).Replace(seedBody)
	return events.Job{
		ID: id, Username: "admin", Status: events.Enabled, Name: "Daily Job", CreatedOnNS: time.Now().UnixNano(),
		EffectiveFrom: time.Now().UTC(), Parameters: json.RawMessage(masked),
		Secrets: map[string]string{events.TokenPointer: strings.Repeat("x", 110)},
	}
}

func benchResult(id string, n int) events.Result {
	return events.Result{
		TriggerID: events.CronTriggerID(id, events.Minute(n)), JobID: id, Kind: events.KindCron, Minute: events.Minute(n),
		TriggeredAt: time.Now().UTC(), StartedAt: time.Now().UTC(), EndedNS: time.Now().UnixNano(), Status: events.OK,
		HTTP: events.HTTPResult{
			Status: "200",
			Headers: []events.Header{
				{Key: "Content-Type", Value: "application/json"},
				{Key: "Content-Length", Value: "154"},
				{Key: "Date", Value: "Mon, 23 Nov 2026 12:00:00 GMT"},
			},
			Response: `{"status": "OK", "data": {"job_id": "462eeed8-b051-45c8-8813-8a96d55991f9", "output_folder": "admin/repo/fs/Instabase Drive/files/flow/out"}}`,
		},
		FlowJobID: "462eeed8-b051-45c8-8813-8a96d55991f9", Attempts: 1,
	}
}

// fill stores jobs and results as fast as the store takes them.
func fill(b *testing.B, bus *jet.Bus, jobs, results int) []string {
	b.Helper()
	ids := make([]string, jobs)
	var wg sync.WaitGroup
	for part := range 8 {
		wg.Go(func() {
			for i := part; i < jobs; i += 8 {
				ids[i] = uuid.NewString()
				if _, err := bus.PutJob(b.Context(), events.JobEvent{Event: events.JobCreated, Job: benchJob(ids[i])}, 0); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	var batch []events.Result
	store := func() {
		if len(batch) == 0 {
			return
		}
		if err := bus.PutResults(b.Context(), batch...); err != nil {
			b.Fatal(err)
		}
		batch = batch[:0]
	}
	order := slices.Clone(ids)
	for n := range results {
		if os.Getenv("BENCH_SPREAD") != "" {
			rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		}
		for _, id := range order {
			batch = append(batch, benchResult(id, n))
			if len(batch) == 500 {
				store()
			}
		}
	}
	store()
	return ids
}

// rss is the resident memory of this process, in MB.
func rss() float64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	pages, _ := strconv.Atoi(strings.Fields(string(text))[1])
	return float64(pages*os.Getpagesize()) / 1e6
}

// peak samples the resident memory until stop is called, and gives its growth.
func peak() (stop func() float64) {
	runtime.GC()
	before, most := rss(), 0.0
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for tick := time.NewTicker(5 * time.Millisecond); ; {
			select {
			case <-tick.C:
				most = max(most, rss())
			case <-done:
				tick.Stop()
				return
			}
		}
	}()
	return func() float64 {
		close(done)
		<-ended
		return max(0, most-before)
	}
}

// BenchmarkListJobs lists 10,000 jobs, or BENCH_JOBS, with 10 results each; its floor is json.Marshal of the same
// objects in memory. With BENCH_SPREAD the results of each round are stored in another order. BENCH_STORE is a folder
// that keeps the store for the next time.
func BenchmarkListJobs(b *testing.B) {
	s, jobs := newHarness(b, withBytes(8<<30), kept), 10_000
	if n, err := strconv.Atoi(os.Getenv("BENCH_JOBS")); err == nil {
		jobs = n
	}
	filled := filepath.Join(s.config.DataDir, "filled")
	if _, err := os.Stat(filled); err != nil {
		fill(b, s.bus, jobs, 10)
		if err := os.WriteFile(filled, nil, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	req := func() *http.Request {
		r, err := http.NewRequest(http.MethodGet, s.base+"/api/v1/scheduler/list_jobs", nil)
		if err != nil {
			b.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+s.admin)
		return r
	}
	one := req()
	one.URL.RawQuery = "limit=1" // waits until all results are indexed
	if _, err := do(one); err != nil {
		b.Fatal(err)
	}
	var grew float64 // by the first listing of this process; later ones find its memory
	b.Run("api", func(b *testing.B) {
		var first []time.Duration
		grown := peak()
		for b.Loop() {
			began := time.Now()
			resp, err := http.DefaultClient.Do(req())
			if err != nil {
				b.Fatal(err)
			}
			if _, err := resp.Body.Read(make([]byte, 1)); err != nil {
				b.Fatal(err)
			}
			first = append(first, time.Since(began))
			if _, err := io.Copy(io.Discard, resp.Body); err != nil {
				b.Fatal(err)
			}
			_ = resp.Body.Close()
		}
		grew = max(grew, grown())
		b.ReportMetric(grew, "MB-grown")
		slices.Sort(first)
		b.ReportMetric(float64(first[len(first)/2].Microseconds())/1000, "ms-first-byte")
	})
	b.Run("floor", func(b *testing.B) {
		answer, err := do(req())
		if err != nil {
			b.Fatal(err)
		}
		if n := bytes.Count(answer, []byte(`"timeInNS"`)); n != 10*jobs {
			b.Fatalf("the list holds %d results", n)
		}
		var list struct {
			Status string
			Jobs   []struct {
				JobID      string          `json:"job_id"`
				Username   string          `json:"username"`
				Status     string          `json:"status"`
				Name       string          `json:"name"`
				CreatedOn  string          `json:"created_on_ns"`
				Parameters json.RawMessage `json:"job_parameters"`
				Results    []struct {
					Time   string `json:"timeInNS"`
					Status string `json:"status"`
					HTTP   struct {
						Status   string              `json:"status"`
						Headers  []map[string]string `json:"headers"`
						Response string              `json:"response"`
					} `json:"http_result"`
				} `json:"results"`
			} `json:"jobs"`
		}
		if err := json.Unmarshal(answer, &list); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if _, err := json.Marshal(list); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkListOne is list_jobs?job_id= with 100,000 jobs stored; its floor is a
// request that the same server answers at once.
func BenchmarkListOne(b *testing.B) {
	s := newHarness(b, withBytes(4<<30))
	ids := fill(b, s.bus, 100_000, 1)
	get := func(b *testing.B, url func(n int) string) {
		var took []time.Duration
		for n := 0; b.Loop(); n++ {
			req, err := http.NewRequest(http.MethodGet, url(n), nil)
			if err != nil {
				b.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+s.admin)
			began := time.Now()
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				b.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			took = append(took, time.Since(began))
		}
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "ms-p99")
	}
	b.Run("api", func(b *testing.B) {
		get(b, func(n int) string { return s.base + "/api/v1/scheduler/list_jobs?job_id=" + ids[n*7919%len(ids)] })
	})
	b.Run("floor", func(b *testing.B) { get(b, func(int) string { return s.base + "/" }) })
}

// BenchmarkStart is the time and memory that a gateway takes for 100,000 jobs,
// and for 1,000,000 results.
func BenchmarkStart(b *testing.B) {
	for _, c := range []struct {
		name          string
		jobs, results int
	}{{"jobs", 100_000, 0}, {"results", 1000, 1000}} {
		b.Run(c.name, func(b *testing.B) {
			s := newHarness(b, withBytes(8<<30))
			fill(b, s.bus, c.jobs, c.results)
			if err := s.stop(); err != nil {
				b.Fatal(err)
			}
			s.gateway = nil
			for b.Loop() {
				grown := peak()
				s.start()
				b.ReportMetric(grown(), "MB-grown")
				b.StopTimer()
				if err := s.stop(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
	}
}

// withFsync stores as the broker does by default; no bench is to measure the rate limit.
func withFsync(s *harness) { s.sync = true; unlimited(s) }

func unlimited(s *harness) { s.config.Rate, s.config.Burst = 1e9, 1e9 }

// kept has everything lie in the folder BENCH_STORE, if that is set.
func kept(s *harness) {
	dir := os.Getenv("BENCH_STORE")
	if dir == "" {
		return
	}
	s.store, s.config.DataDir = filepath.Join(dir, "nats"), filepath.Join(dir, "data")
	if _, err := os.Stat(filepath.Join(s.config.DataDir, "filled")); err == nil {
		s.key = nil // the store knows that of the first time
	}
}

func withBytes(n int64) func(*harness) { return func(s *harness) { s.bytes = n; unlimited(s) } }

// BenchmarkNativeLists is first pages of the native API with 10,000 jobs and 10 results of each; the
// floor of each is json.Marshal of the same rows in memory.
func BenchmarkNativeLists(b *testing.B) {
	s := newHarness(b, withBytes(4<<30))
	fill(b, s.bus, 10_000, 10)
	for _, path := range []string{"jobs?sort=next&limit=100", "jobs?state=called&limit=100", "results?limit=100", "overview", "upcoming?limit=100"} {
		get := func() []byte {
			a := s.native(http.MethodGet, path, s.admin, "")
			if a.code != http.StatusOK {
				b.Fatalf("%s: %d %s", path, a.code, a.body)
			}
			return a.body
		}
		b.Run(path+"/api", func(b *testing.B) {
			for b.Loop() {
				get()
			}
		})
		b.Run(path+"/floor", func(b *testing.B) {
			var rows any
			if err := json.Unmarshal(get(), &rows); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := json.Marshal(rows); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
