package cron

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// BenchmarkPass is one minute in which every job is due, on disk, beside its floor:
// a loop that commits the same messages in batches of the same size.
//
//	go test -run '^$' -bench Pass -benchtime 3x ./cron
func BenchmarkPass(b *testing.B) {
	for _, jobs := range []int{10_000, 100_000} {
		b.Run(fmt.Sprint("jobs=", jobs), func(b *testing.B) { benchPass(b, jobs) })
		b.Run(fmt.Sprint("floor=", jobs), func(b *testing.B) { benchFloor(b, jobs) })
	}
}

// benchBus has room for a minute of 100,000 triggers.
func benchBus(b *testing.B) *jet.Bus {
	return eventstest.Connect(b, eventstest.Start(b, eventstest.Options{Sync: true, Store: jet.FullStore}))
}

// empty takes the triggers of the last round out of the stream.
func empty(b *testing.B, bus *jet.Bus) {
	b.Helper()
	if err := bus.Triggers(events.KindCron, "").Clear(b.Context()); err != nil {
		b.Fatal(err)
	}
}

func benchPass(b *testing.B, jobs int) {
	bus := benchBus(b)
	c, err := New(Config{Bus: bus, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	d := newEditor(func(_ time.Time, ev events.JobEvent) {
		c.loop.engine.index.apply(events.JobRevision{Seq: 1, Event: ev})
	})
	for n := range jobs {
		d.create(at(0, 0), benchID(n), "* * * * *", options{})
	}
	h := &testClock{}
	h.set(at(0, 1))
	c.loop.engine.now = h.now
	if err := c.loop.engine.pass(b.Context()); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		b.StopTimer()
		empty(b, bus)
		h.set(h.now().Add(time.Minute))
		b.StartTimer()
		if err := c.loop.engine.pass(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	rate(b, jobs)
}

func benchFloor(b *testing.B, jobs int) {
	bus := benchBus(b)
	batches := bareBatches(jobs)
	for b.Loop() {
		b.StopTimer()
		empty(b, bus)
		at := clockAt(b, bus)
		b.StartTimer()
		commitBare(b, bus, batches, at)
	}
	rate(b, jobs)
}

// bareBatch is what one commit of a pass stores, encoded.
type bareBatch struct {
	events.Answers
	clock events.Clock
}

// bareBatches are what is stored at a minute at which so many jobs are due.
func bareBatches(jobs int) (batches []bareBatch) {
	for first := 0; first < jobs; first += jet.MaxBatch - 1 {
		batch := bareBatch{clock: events.Clock{From: events.MinuteOf(at(0, 0)), Minute: events.MinuteOf(at(0, 1)), JobsSeq: 1}}
		for n := first; n < min(first+jet.MaxBatch-1, jobs); n++ {
			batch.clock.Cursor = benchID(n)
			batch.Fired = append(batch.Fired, trigger(benchID(n), 1, events.MinuteOf(at(0, 1)), at(0, 1)))
		}
		batch.Encode()
		batches = append(batches, batch)
	}
	return batches
}

// clockAt gives where the clock stands.
func clockAt(b *testing.B, bus *jet.Bus) uint64 {
	b.Helper()
	_, seq, err := bus.Clock(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return seq
}

// commitBare stores batches one after the other, and does nothing else.
func commitBare(b *testing.B, bus *jet.Bus, batches []bareBatch, clock uint64) {
	b.Helper()
	for _, batch := range batches {
		var err error
		if clock, err = bus.CommitPass(b.Context(), batch.clock, clock, batch.Answers); err != nil {
			b.Fatal(err)
		}
	}
}

func rate(b *testing.B, jobs int) {
	b.ReportMetric(float64(jobs)*float64(b.N)/b.Elapsed().Seconds(), "triggers/s")
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/pass")
}
