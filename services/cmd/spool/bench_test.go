package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/events/eventstest"
	"spool.internal/events/seal"
	"spool.internal/services/dispatcher"
	"spool.internal/watcher"
)

// BenchmarkRenamedIn is the time from renaming a file into a watched folder to
// the run-binary request at the endpoint, beside its floor: bare fsnotify whose
// handler sends the request at once and keeps no record.
func BenchmarkRenamedIn(b *testing.B) {
	b.Run("fsync", func(b *testing.B) { renamedIn(b, true) })
	b.Run("interval", func(b *testing.B) { renamedIn(b, false) })
	b.Run("floor", renamedInFloor)
}

func renamedIn(b *testing.B, fsync bool) {
	arrived := make(chan struct{}, 16)
	endpoint := nullEndpoint(b, arrived)
	srv := eventstest.Start(b, eventstest.Options{Sync: fsync})
	base := b.TempDir()
	drives, err := drive.New(base, nil)
	if err != nil {
		b.Fatal(err)
	}
	in := filepath.Join(base, "a/b/fs/D/in")
	if err := os.MkdirAll(in, 0o755); err != nil {
		b.Fatal(err)
	}
	key, err := seal.Load(filepath.Join(b.TempDir(), "seal.key"))
	if err != nil {
		b.Fatal(err)
	}
	bus := eventstest.Connect(b, srv)
	w, err := watcher.New(watcher.Config{Bus: bus, Drives: drives, SyncStage: fsync, Log: eventstest.Quiet()})
	if err != nil {
		b.Fatal(err)
	}
	d, err := dispatcher.New(dispatcher.Config{Bus: eventstest.Connect(b, srv), SealKey: key, RunBinaryURL: endpoint, Secret: "a secret of the bench", Log: eventstest.Quiet()})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = w.Run(ctx) })
	wg.Go(func() { _ = d.Run(ctx) })
	b.Cleanup(func() { cancel(); wg.Wait() })
	parameters := `{"name":"n","flow_parameters":{"auth_token":"x","binary_path":"a/b/fs/D/f","input_dir":"a/b/fs/D/in","settings":{"spooled_mode":true}}}`
	if _, err := bus.PutJob(b.Context(), events.JobEvent{Event: events.JobCreated, Job: events.Job{
		ID: "job", Username: "u", Status: events.Enabled, Parameters: []byte(parameters),
	}}, 0); err != nil {
		b.Fatal(err)
	}
	drop(b, base, in, 0) // the first finds everything cold
	<-arrived
	measure(b, func(n int) { drop(b, base, in, n+1) }, arrived)
}

func renamedInFloor(b *testing.B) {
	arrived := make(chan struct{}, 16)
	endpoint := nullEndpoint(b, arrived)
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
			if !ev.Has(fsnotify.Create) {
				continue
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

func nullEndpoint(b *testing.B, arrived chan<- struct{}) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		arrived <- struct{}{}
		_, _ = io.WriteString(w, `{"status":"OK"}`)
	}))
	b.Cleanup(s.Close)
	return s.URL
}

func drop(b *testing.B, base, in string, n int) {
	tmp := filepath.Join(base, "new")
	if err := os.WriteFile(tmp, []byte("content"), 0o644); err != nil {
		b.Fatal(err)
	}
	if err := os.Rename(tmp, filepath.Join(in, strconv.Itoa(n))); err != nil {
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
