package dispatcher

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
	"spool.internal/events/seal"
)

// BenchmarkDispatch is how many file triggers a second are called and have their
// result stored, with 64 workers and an endpoint that answers after 5 ms; its
// floor is a bare loop of 64 http.Clients to the same endpoint. "acks, fsync" is
// how fast the queue lets go of files that nothing is done with.
func BenchmarkDispatch(b *testing.B) {
	b.Run("floor", func(b *testing.B) {
		url := slowEndpoint(b, 5*time.Millisecond, func(string) {})
		for b.Loop() {
			b.ReportMetric(bareLoop(b, url, 64, 30_000), "calls/s")
		}
	})
	for _, mode := range []struct {
		name  string
		fsync bool
	}{{"interval", false}, {"fsync", true}} {
		b.Run(mode.name, func(b *testing.B) {
			for b.Loop() {
				b.ReportMetric(dispatched(b, mode.fsync, 30_000, 64, 5*time.Millisecond), "calls/s")
			}
		})
	}
	b.Run("acks, fsync", func(b *testing.B) {
		for b.Loop() {
			b.ReportMetric(acked(b, 30_000), "acks/s")
		}
	})
}

func acked(b *testing.B, n int) float64 {
	b.Helper()
	bus := benchBus(b, true, 64)
	queueFiles(b, bus, n)
	ctx, cancel := context.WithCancel(b.Context())
	var wg sync.WaitGroup
	left := n // of the goroutine that takes them out
	all := make(chan struct{})
	began := time.Now()
	wg.Go(func() {
		q := bus.Files("job").Queue("acks", maxWaiting)
		q.Gone = func(sequences []uint64) {
			if left -= len(sequences); left == 0 {
				close(all)
			}
		}
		if err := bus.Pull(ctx, q, prefetch*64, func(d *jet.Delivery) {
			if err := d.Ack(); err != nil {
				b.Error(err)
			}
		}); err != nil {
			b.Error(err)
		}
	})
	<-all
	took := time.Since(began)
	cancel()
	wg.Wait()
	return float64(n) / took.Seconds()
}

// BenchmarkOneJob is the same for the files of one job with the default
// max_concurrency of 16 and an endpoint that answers at once.
func BenchmarkOneJob(b *testing.B) {
	b.Run("floor", func(b *testing.B) {
		url := slowEndpoint(b, 0, func(string) {})
		for b.Loop() {
			b.ReportMetric(bareLoop(b, url, 16, 30_000), "calls/s")
		}
	})
	for _, mode := range []struct {
		name  string
		fsync bool
	}{{"interval", false}, {"fsync", true}} {
		b.Run(mode.name, func(b *testing.B) {
			for b.Loop() {
				b.ReportMetric(dispatched(b, mode.fsync, 30_000, 16, 0), "calls/s")
			}
		})
	}
}

// BenchmarkReach is the time from a stored trigger to its request at the
// endpoint, at 500 triggers a second; its floor is bare requests at that rate.
func BenchmarkReach(b *testing.B) {
	b.Run("floor", func(b *testing.B) {
		arrived := make(chan string, 64)
		url := slowEndpoint(b, 0, func(key string) { arrived <- key })
		reach(b, arrived, func(n int) {
			go bareCall(b, http.DefaultClient, url, strconv.Itoa(n))
		})
	})
	for _, mode := range []struct {
		name  string
		fsync bool
	}{{"interval", false}, {"fsync", true}} {
		b.Run(mode.name, func(b *testing.B) {
			arrived := make(chan string, 64)
			bus := benchBus(b, mode.fsync, 64)
			benchDispatcher(b, bus, slowEndpoint(b, 0, func(key string) { arrived <- key }))
			reach(b, arrived, func(n int) {
				id := strconv.Itoa(n)
				if _, err := bus.PutTrigger(b.Context(), events.KindManual, events.Trigger{ID: id, JobID: "job", Kind: events.KindManual}); err != nil {
					b.Error(err)
				}
			})
		})
	}
}

// reach starts something every 2 ms and reports how long after it was done its
// key arrived.
func reach(b *testing.B, arrived <-chan string, start func(n int)) {
	const n = 2000
	for b.Loop() {
		var mu sync.Mutex
		stored, came := map[string]time.Time{}, map[string]time.Time{}
		var wg sync.WaitGroup
		wg.Go(func() {
			for range n {
				key := <-arrived
				mu.Lock()
				came[key] = time.Now()
				mu.Unlock()
			}
		})
		begin := time.Now()
		for i := range n {
			time.Sleep(time.Until(begin.Add(time.Duration(i) * 2 * time.Millisecond)))
			wg.Go(func() {
				start(i)
				at := time.Now()
				mu.Lock()
				stored[strconv.Itoa(i)] = at
				mu.Unlock()
			})
		}
		wg.Wait()
		var took []time.Duration
		for key, at := range came {
			took = append(took, max(0, at.Sub(stored[key]))) // it may arrive before the ack of its publish
		}
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms-p50")
		b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "ms-p99")
	}
}

// dispatched gives the calls a second for n queued files of one job.
func dispatched(b *testing.B, fsync bool, n, concurrency int, takes time.Duration) float64 {
	b.Helper()
	var calls atomic.Int64
	begun, all := make(chan time.Time, 1), make(chan struct{})
	url := slowEndpoint(b, takes, func(string) {
		switch calls.Add(1) {
		case 1:
			begun <- time.Now()
		case int64(n):
			close(all)
		}
	})
	bus := benchBus(b, fsync, concurrency)
	queueFiles(b, bus, n)
	allocated := allocations(b, n)
	benchDispatcher(b, bus, url)
	first := <-begun
	<-all
	awaitNoFiles(b, bus)
	took := time.Since(first)
	allocated()
	if calls.Load() != int64(n) {
		b.Errorf("%d calls for %d files", calls.Load(), n)
	}
	return float64(n) / took.Seconds()
}

// allocations begins to count them; the func that it returns reports them for each of n files, with those of the
// server and the endpoint, which are in the same process.
func allocations(b *testing.B, n int) func() {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	return func() {
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.Mallocs-before.Mallocs)/float64(n), "allocs/file")
	}
}

// queueFiles queues n files of the job.
func queueFiles(b *testing.B, bus *jet.Bus, n int) {
	b.Helper()
	var batch []events.Trigger
	for i := range n {
		f := events.NewFile("folder/file-" + strconv.Itoa(i))
		f.Fingerprint, f.InputDir, f.Size = events.Hash(f.Path), "a/b/fs/D/.spool/job/"+events.Hash(f.Path)+"/input", 1000
		batch = append(batch, events.Trigger{ID: events.FileTriggerID("job", f.Fingerprint), JobID: "job", Kind: events.KindFile, File: f})
	}
	if _, err := bus.CommitFiles(b.Context(), batch); err != nil {
		b.Fatal(err)
	}
}

// awaitNoFiles waits until no file of the job is queued. It asks the consumer that the dispatcher made, which knows
// without going through them.
func awaitNoFiles(b *testing.B, bus *jet.Bus) {
	b.Helper()
	for left := 1; left > 0; time.Sleep(5 * time.Millisecond) {
		out, queued, err := bus.Unsettled(b.Context(), bus.Files("job").Queue("file-job", maxWaiting))
		if err != nil {
			b.Fatal(err)
		}
		left = out + queued
	}
}

// benchBus connects to a server with one job, whose files are called for so many at once.
func benchBus(b *testing.B, fsync bool, concurrency int) *jet.Bus {
	b.Helper()
	srv := eventstest.Start(b, eventstest.Options{Sync: fsync, Store: 8 << 30})
	bus := eventstest.Connect(b, srv)
	parameters := `{"name":"n","flow_parameters":{"auth_token":"x","binary_path":"a/b/fs/D/f","input_dir":"a/b/fs/D/in",` +
		`"settings":{"spooled_mode":true,"tags":["x"]}},"spool":{"max_concurrency":` + strconv.Itoa(concurrency) + `}}`
	if _, err := bus.PutJob(b.Context(), events.JobEvent{Event: events.JobCreated, Job: events.Job{
		ID: "job", Username: "u", Status: events.Enabled, Parameters: []byte(parameters),
	}}, 0); err != nil {
		b.Fatal(err)
	}
	return bus
}

// benchDispatcher runs a dispatcher with 64 workers until the benchmark ends.
func benchDispatcher(b *testing.B, bus *jet.Bus, url string) {
	b.Helper()
	key, err := seal.Load(filepath.Join(b.TempDir(), "seal.key"))
	if err != nil {
		b.Fatal(err)
	}
	d, err := New(Config{Bus: bus, SealKey: key, RunBinaryURL: url, Secret: "a secret of the bench", Workers: 64, Log: eventstest.Quiet()})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = d.Run(ctx) })
	b.Cleanup(func() { cancel(); wg.Wait() })
}

func slowEndpoint(b *testing.B, takes time.Duration, came func(key string)) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		_, _ = io.Copy(io.Discard, q.Body)
		came(q.Header.Get(events.HeaderKey))
		time.Sleep(takes)
		_, _ = io.WriteString(w, `{"status":"OK","data":{"job_id":"462eeed8-b051-45c8-8813-8a96d55991f9","output_folder":"a/b/fs/D/out"}}`)
	}))
	b.Cleanup(s.Close)
	return s.URL
}

func bareLoop(b *testing.B, url string, loops, n int) float64 {
	b.Helper()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: loops}}
	defer client.CloseIdleConnections()
	var next atomic.Int64
	began := time.Now()
	var wg sync.WaitGroup
	for range loops {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				bareCall(b, client, url, strconv.FormatInt(i, 10))
			}
		})
	}
	wg.Wait()
	return float64(n) / time.Since(began).Seconds()
}

func bareCall(b *testing.B, client *http.Client, url, key string) {
	req, err := http.NewRequest(http.MethodPost, url, strings.NewReader(`{"input_dir":"a/b/fs/D/.spool/job/x/input","binary_path":"a/b/fs/D/f","settings":{}}`))
	if err != nil {
		b.Error(err)
		return
	}
	req.Header.Set(events.HeaderKey, key)
	resp, err := client.Do(req)
	if err != nil {
		b.Error(err)
		return
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
}
