package jet_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// BenchmarkCommit stores triggers with fsync, in batches and one by one, beside
// the floor of each: the same bytes appended to a file and synced as often.
func BenchmarkCommit(b *testing.B) {
	const batch = 999
	triggers := make([]events.Trigger, batch)
	var size int
	for i := range triggers {
		id := fmt.Sprintf("5d0c3f2e-6f7a-5b3c-9a55-%012d", i)
		triggers[i] = events.Trigger{ID: events.CronTriggerID(id, 29_000_000), JobID: id, Kind: events.KindCron, Minute: 29_000_000}
		size += len(events.Encode(triggers[i])) + len(jet.TriggerSubject(events.KindCron, id))
	}
	rate := func(b *testing.B, n int) {
		b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "triggers/s")
	}
	b.Run("batched", func(b *testing.B) {
		bus := eventstest.Connect(b, eventstest.Start(b, eventstest.Options{Sync: true}))
		var seq uint64
		var err error
		for b.Loop() {
			if seq, err = bus.CommitPass(b.Context(), events.Clock{}, seq, events.Answers{Fired: triggers}); err != nil {
				b.Fatal(err)
			}
		}
		rate(b, batch)
	})
	b.Run("batched-floor", func(b *testing.B) {
		appendAndSync(b, size)
		rate(b, batch)
	})
	b.Run("single", func(b *testing.B) {
		bus := eventstest.Connect(b, eventstest.Start(b, eventstest.Options{Sync: true}))
		for b.Loop() {
			m := jet.Message{Subject: jet.TriggerSubject(events.KindManual, triggers[0].JobID), Data: events.Encode(triggers[0])}
			if _, err := bus.Commit(b.Context(), jet.StreamTriggers, m); err != nil {
				b.Fatal(err)
			}
		}
		rate(b, 1)
	})
	b.Run("single-floor", func(b *testing.B) {
		appendAndSync(b, size/batch)
		rate(b, 1)
	})
}

func appendAndSync(b *testing.B, size int) {
	f, err := os.Create(filepath.Join(b.TempDir(), "floor"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	data := bytes.Repeat([]byte("x"), size)
	for b.Loop() {
		if _, err := f.Write(data); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
	}
}
