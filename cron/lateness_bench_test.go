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
//   - gocron: a job of gocron's for each, which stores nothing; the time it is called
//   - nats: a scheduled message of NATS for each, not synced, as is its default
//
// Rounds of spool wait for a minute that begins, the others for a second.
func BenchmarkLateness(b *testing.B) {
	nextMinute := func() time.Time { return time.Now().Truncate(time.Minute).Add(time.Minute) }
	soon := func() time.Time { return time.Now().Truncate(time.Second).Add(15 * time.Second) }
	for _, jobs := range []int{1, 10_000, 100_000} {
		for _, w := range []way{
			{"spool", nextMinute, spoolMinute},
			{"bare", soon, bareMinute},
			{"gocron", nextMinute, gocronMinute},
			{"nats", soon, natsMinute},
		} {
			b.Run(fmt.Sprintf("jobs=%d/%s", jobs, w.name), func(b *testing.B) { w.lateness(b, jobs) })
		}
	}
}

// round triggers each job once, when it is due, and gives how late each was.
type round func(due time.Time) []time.Duration

// way is one way of triggering jobs.
type way struct {
	name string
	next func() time.Time // when the next round is due
	set  func(b *testing.B, jobs int) round
}

// lateness sets the way up, and measures its rounds: more of them where one says little.
func (w way) lateness(b *testing.B, jobs int) {
	rounds := 1
	if jobs == 1 {
		rounds = 3
	}
	run := w.set(b, jobs)
	var late []time.Duration
	for b.Loop() {
		for range rounds {
			all := run(w.next())
			if len(all) != jobs {
				b.Fatalf("%d triggers, want %d", len(all), jobs)
			}
			late = append(late, all...)
		}
	}
	quantiles(b, late)
	b.ReportMetric(0, "ns/op") // the wait for a minute says nothing
}

func spoolMinute(b *testing.B, jobs int) round {
	bus := benchBus(b)
	c, err := New(Config{Bus: bus, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	d := newEditor(func(_ time.Time, ev events.JobEvent) {
		c.loop.engine.index.apply(events.JobRevision{Seq: 1, Event: ev})
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
	return func(due time.Time) []time.Duration {
		time.Sleep(time.Until(due.Add(-time.Second)))
		empty(b, bus)
		committed := func() bool {
			clock, _, err := bus.Clock(b.Context())
			return err == nil && clock.Done() && clock.Minute >= events.MinuteOf(due)
		}
		time.Sleep(time.Until(due))
		for !committed() {
			time.Sleep(50 * time.Millisecond)
		}
		return storedAfter(b, bus, due)
	}
}

func storedAfter(b *testing.B, bus *jet.Bus, nominal time.Time) (late []time.Duration) {
	b.Helper()
	err := bus.Triggers(events.KindCron, "").Since(b.Context(), time.Time{}, func(m jet.Entry[events.Trigger]) bool {
		late = append(late, m.Time.Sub(nominal))
		return true
	})
	if err != nil {
		b.Fatal(err)
	}
	return late
}

func bareMinute(b *testing.B, jobs int) round {
	bus := benchBus(b)
	batches := bareBatches(jobs)
	return func(due time.Time) []time.Duration {
		empty(b, bus)
		clock := clockAt(b, bus)
		time.Sleep(time.Until(due))
		commitBare(b, bus, batches, clock)
		return storedAfter(b, bus, due)
	}
}

func gocronMinute(b *testing.B, jobs int) round {
	return func(due time.Time) []time.Duration {
		s, err := gocron.NewScheduler(gocron.WithLocation(time.UTC))
		if err != nil {
			b.Fatal(err)
		}
		late := make([]time.Duration, jobs)
		var called sync.WaitGroup
		called.Add(jobs)
		for n := range jobs {
			_, err := s.NewJob(gocron.CronJob("* * * * *", false), gocron.NewTask(func() {
				if late[n] == 0 {
					late[n] = time.Since(due)
					called.Done()
				}
			}))
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

func natsMinute(b *testing.B, jobs int) round {
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
	return func(due time.Time) []time.Duration {
		if err := stream.Purge(b.Context()); err != nil { // of the last round
			b.Fatal(err)
		}
		body := events.Encode(trigger(benchID(0), 1, events.MinuteOf(due), due))
		for n := range jobs {
			m := nats.NewMsg("schedule." + benchID(n))
			m.Data = body
			m.Header.Set("Nats-Schedule", "@at "+due.UTC().Format(time.RFC3339))
			m.Header.Set("Nats-Schedule-Target", "fire."+benchID(n))
			if _, err := js.PublishMsgAsync(m); err != nil {
				b.Fatal(err)
			}
		}
		<-js.PublishAsyncComplete()
		time.Sleep(time.Until(due))
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
			late = append(late, meta.Timestamp.Sub(due))
		}
		return late
	}
}
