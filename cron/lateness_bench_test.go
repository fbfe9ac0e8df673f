package cron

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/go-co-op/gocron/v2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// BenchmarkLateness is how late the triggers of one real minute are stored, on disk,
// beside what could be had without it:
//
//   - bare: a loop that commits the same messages in batches of the same size, from
//     the minute on
//   - gocron: a job of gocron's for each, which does nothing; the time it is called
//   - nats: a scheduled message of NATS for each, not synced, as is its default
//
// Each round waits for a minute that begins.
func BenchmarkLateness(b *testing.B) {
	b.Run("jobs=1/spool", func(b *testing.B) { lateness(b, 1, 3, spoolMinute) })
	for _, jobs := range []int{10_000, 100_000} {
		for _, way := range []struct {
			name string
			f    func(*testing.B, int) func(time.Time) []time.Duration
		}{{"spool", spoolMinute}, {"bare", bareMinute}, {"gocron", gocronMinute}, {"nats", natsMinute}} {
			b.Run(fmt.Sprintf("jobs=%d/%s", jobs, way.name), func(b *testing.B) { lateness(b, jobs, 1, way.f) })
		}
	}
}

// lateness sets a way up, which gives a function for one round.
func lateness(b *testing.B, jobs, rounds int, way func(*testing.B, int) func(time.Time) []time.Duration) {
	round := way(b, jobs)
	var late []time.Duration
	for b.Loop() {
		for range rounds {
			all := round(time.Now().Truncate(time.Minute).Add(time.Minute))
			if len(all) != jobs {
				b.Fatalf("%d triggers, want %d", len(all), jobs)
			}
			late = append(late, all...)
		}
	}
	quantiles(b, late)
	b.ReportMetric(0, "ns/op") // the wait for a minute says nothing
}

func spoolMinute(b *testing.B, jobs int) func(time.Time) []time.Duration {
	bus := benchBus(b)
	c, err := New(Config{Bus: bus, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	d := newDesk(func(_ time.Time, ev events.JobEvent) {
		c.loop.engine.table.apply(jet.JobRevision{Seq: 1, Event: ev})
	})
	for n := range jobs {
		d.create(time.Now(), benchID(n), "* * * * *", options{})
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := c.Run(ctx); err != nil {
			b.Error(err)
		}
	})
	b.Cleanup(func() { cancel(); wg.Wait() })
	return func(minute time.Time) []time.Duration {
		time.Sleep(time.Until(minute.Add(-time.Second)))
		empty(b, bus)
		committed := func() bool {
			clock, _, err := bus.Clock(b.Context())
			return err == nil && clock.Done() && clock.Minute >= minuteOf(minute)
		}
		time.Sleep(time.Until(minute))
		for !committed() {
			time.Sleep(50 * time.Millisecond)
		}
		return storedAfter(b, bus, minute)
	}
}

func storedAfter(b *testing.B, bus *jet.Bus, nominal time.Time) (late []time.Duration) {
	b.Helper()
	err := bus.Since(b.Context(), events.StreamTriggers, events.TriggersOf(events.KindCron), time.Time{}, func(m jet.Stored) bool {
		late = append(late, m.Time.Sub(nominal))
		return true
	})
	if err != nil {
		b.Fatal(err)
	}
	return late
}

func bareMinute(b *testing.B, jobs int) func(time.Time) []time.Duration {
	bus := benchBus(b)
	batches := bareBatches(jobs)
	return func(minute time.Time) []time.Duration {
		empty(b, bus)
		time.Sleep(time.Until(minute))
		for _, batch := range batches {
			if _, err := bus.Commit(b.Context(), events.StreamTriggers, batch...); err != nil {
				b.Fatal(err)
			}
		}
		return storedAfter(b, bus, minute)
	}
}

// onceAt is a schedule of gocron's with one time.
type onceAt struct{ time.Time }

func (onceAt) IsValid(string, *time.Location, time.Time) error { return nil }

func (o onceAt) Next(last time.Time) time.Time {
	if last.Before(o.Time) {
		return o.Time
	}
	return o.AddDate(1, 0, 0)
}

func gocronMinute(b *testing.B, jobs int) func(time.Time) []time.Duration {
	return func(minute time.Time) []time.Duration {
		s, err := gocron.NewScheduler(gocron.WithLocation(time.UTC))
		if err != nil {
			b.Fatal(err)
		}
		late := make([]time.Duration, jobs)
		var called sync.WaitGroup
		called.Add(jobs)
		for n := range jobs {
			_, err := s.NewJob(gocron.CronJob("* * * * *", false), gocron.NewTask(func() {
				late[n] = time.Since(minute)
				called.Done()
			}), gocron.WithCronImplementation(onceAt{minute}))
			if err != nil {
				b.Fatal(err)
			}
		}
		s.Start()
		called.Wait()
		if err := s.Shutdown(); err != nil {
			b.Fatal(err)
		}
		return late
	}
}

func natsMinute(b *testing.B, jobs int) func(time.Time) []time.Duration {
	srv := eventstest.Start(b, eventstest.Options{Store: jet.FullStore})
	nc, err := nats.Connect("", nats.InProcessServer(srv))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(nc.Close)
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(1000))
	if err != nil {
		b.Fatal(err)
	}
	stream, err := js.CreateStream(b.Context(), jetstream.StreamConfig{
		Name: "SCHEDULES", Subjects: []string{"schedule.>", "fire.>"}, AllowMsgSchedules: true, AllowDirect: true,
	})
	if err != nil {
		b.Fatal(err)
	}
	return func(minute time.Time) []time.Duration {
		body := events.Encode(trigger(benchID(0), 1, minuteOf(minute), minute))
		for n := range jobs {
			m := nats.NewMsg("schedule." + benchID(n))
			m.Data = body
			m.Header.Set("Nats-Schedule", "@at "+minute.UTC().Format(time.RFC3339))
			m.Header.Set("Nats-Schedule-Target", "fire."+benchID(n))
			if _, err := js.PublishMsgAsync(m); err != nil {
				b.Fatal(err)
			}
		}
		<-js.PublishAsyncComplete()
		time.Sleep(time.Until(minute))
		cons, err := stream.OrderedConsumer(b.Context(), jetstream.OrderedConsumerConfig{FilterSubjects: []string{"fire.>"}})
		if err != nil {
			b.Fatal(err)
		}
		var late []time.Duration
		messages, err := cons.Messages()
		if err != nil {
			b.Fatal(err)
		}
		defer messages.Stop()
		for len(late) < jobs {
			m, err := messages.Next()
			if err != nil {
				b.Fatal(err)
			}
			meta, err := m.Metadata()
			if err != nil {
				b.Fatal(err)
			}
			late = append(late, meta.Timestamp.Sub(minute))
		}
		return late
	}
}
