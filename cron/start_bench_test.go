package cron

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

const manyJobs, manySchedules = 100_000, 500

// manyStored makes a store with many jobs, none of them due before the year is over.
func manyStored(b *testing.B) (*eventstest.Server, *editor) {
	b.Helper()
	srv := eventstest.Start(b, eventstest.Options{Store: jet.FullStore})
	bus := eventstest.Connect(b, srv)
	var wg sync.WaitGroup
	var last [16]*editor
	for part := range last {
		last[part] = newEditor(func(_ time.Time, ev events.JobEvent) {
			if _, err := bus.PutJob(b.Context(), ev, 0); err != nil {
				b.Error(err)
			}
		})
		wg.Go(func() {
			for n := part; n < manyJobs; n += len(last) {
				s := n % manySchedules
				last[part].create(time.Now(), benchID(n), fmt.Sprintf("%d %d 1 1 *", s%60, s/60), options{Timezone: "Europe/Paris"})
			}
		})
	}
	wg.Wait()
	return srv, last[0]
}

func benchID(n int) string { return fmt.Sprintf("6bc58441-1f60-4265-99f1-%012d", n) }

// serving runs a service until the end of the benchmark and waits until it is ready.
func serving(b *testing.B, bus *jet.Bus) (c *Cron, stop func()) {
	b.Helper()
	c, err := New(Config{Bus: bus, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := c.Run(ctx); err != nil {
			b.Error(err)
		}
	})
	for c.Check() != nil {
		time.Sleep(time.Millisecond)
	}
	return c, func() { cancel(); wg.Wait() }
}

// BenchmarkStart is the time from the start of a service to its being ready.
func BenchmarkStart(b *testing.B) {
	srv, _ := manyStored(b)
	_, stop := serving(b, eventstest.Connect(b, srv))
	stop()
	bus := eventstest.Connect(b, srv)
	for b.Loop() {
		_, stop = serving(b, bus)
		b.StopTimer()
		stop()
		b.StartTimer()
	}
}

// BenchmarkChange is the time from sending a change of a job to its being effective.
func BenchmarkChange(b *testing.B) {
	srv, d := manyStored(b)
	bus := eventstest.Connect(b, srv)
	c, stop := serving(b, bus)
	defer stop()
	var seq uint64
	d.put = func(_ time.Time, ev events.JobEvent) {
		old, err := bus.Job(b.Context(), ev.Job.ID)
		if err == nil {
			seq, err = bus.PutJob(b.Context(), ev, old.Seq)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	var took []time.Duration
	for n := 0; b.Loop(); n++ {
		began := time.Now()
		d.edit(began, benchID(n*16%manyJobs), "1 1 1 1 *", options{})
		if err := c.feed.Wait(b.Context(), seq); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	quantiles(b, took)
}

func quantiles(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	b.ReportMetric(ms(took[len(took)/2]), "ms-p50")
	b.ReportMetric(ms(took[len(took)*99/100]), "ms-p99")
	b.ReportMetric(ms(took[len(took)-1]), "ms-max")
}
