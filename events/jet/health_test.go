package jet_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// A probe in a stream is nothing that its readers wait for: a picture of the jobs
// and the tokens is whole although the last message is none of theirs.
func TestProbesAreNotWaitedFor(t *testing.T) {
	bus := eventstest.Bus(t)
	if _, err := bus.PutJob(t.Context(), events.JobEvent{Event: events.JobCreated, Job: events.Job{ID: "j"}}, 0); err != nil {
		t.Fatal(err)
	}
	feed := jet.NewJobFeed(bus, func(events.JobRevision) {})
	keys := jet.NewKeyring(bus)
	ended := make(chan error, 2)
	go func() { ended <- feed.Run(t.Context()) }()
	go func() { ended <- keys.Run(t.Context()) }()
	for _, stream := range jet.EveryStream().Writes {
		for range 3 { // each in the place of the last
			if err := bus.WriteProbe(stream); err != nil {
				t.Fatalf("%s: %v", stream, err)
			}
		}
		held, err := bus.Subjects(t.Context(), stream, jet.ProbeSubject(stream))
		if err != nil || held[jet.ProbeSubject(stream)] != 1 {
			t.Errorf("%s holds %v (%v)", stream, held, err)
		}
	}
	if _, err := feed.Barrier(t.Context()); err != nil {
		t.Errorf("the barrier of the jobs: %v", err)
	}
	if err := bus.EachJob(t.Context(), func(events.Job) {}); err != nil {
		t.Errorf("reading all jobs: %v", err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if _, err := keys.OthersWrite(time.Now()); err == nil {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("the keyring: %v", err)
		}
	}
}

// A stream that is full takes nothing, and is not broken: that is for those who fill it.
func TestFullIsNotBroken(t *testing.T) {
	srv := eventstest.Start(t, eventstest.Options{Store: 32 << 20})
	bus, err := jet.Connect(t.Context(), jet.Options{Server: srv, Name: "test", Needs: jet.EveryStream(), Log: eventstest.Log(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer bus.Close(t.Context()) //nolint:errcheck // the test ends
	for n := 0; ; n++ {
		m := jet.Message{Subject: jet.RunQueueSubject("default", fmt.Sprint(n)), Data: make([]byte, 60_000)}
		if n > 20 {
			m.Data = nil // until not even a probe fits in
		}
		if _, err := bus.Commit(t.Context(), jet.StreamRuns, m); jet.IsFull(err) && n > 20 {
			break
		} else if err != nil && !jet.IsFull(err) {
			t.Fatal(err)
		}
	}
	if err := bus.WriteProbe(jet.StreamRuns); err != nil {
		t.Errorf("a probe into a full stream: %v", err)
	}
	time.Sleep(1500 * time.Millisecond) // a probe would have been written by then
	if err := bus.Check(); err != nil || bus.Held() != nil {
		t.Errorf("a full stream counts as broken: %v", err)
	}
}

// A stream that is gone is broken, by name and since when.
func TestCheckNamesTheStream(t *testing.T) {
	srv := eventstest.Start(t, eventstest.Options{})
	bus, err := jet.Connect(t.Context(), jet.Options{Server: srv, Name: "test", Needs: jet.EveryStream(), Log: eventstest.Log(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer bus.Close(t.Context()) //nolint:errcheck // the test ends
	if err := bus.Check(); err != nil {
		t.Fatalf("a whole store: %v", err)
	}
	if err := bus.DeleteStream(t.Context(), jet.StreamSlots); err != nil {
		t.Fatal(err)
	}
	_, _ = bus.Commit(t.Context(), jet.StreamSlots, jet.Message{Subject: jet.SlotSubject("j")}) // it is refused
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		err := bus.Check()
		if err != nil && strings.Contains(err.Error(), "SLOTS refuses what is written") && strings.Contains(err.Error(), "since 2") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("a stream that is gone: %v", err)
		}
	}
	if err := bus.Held(); err == nil {
		t.Error("work is begun though its end cannot be stored")
	}
	if err := bus.Ensure(t.Context(), jet.Topology{Store: 1 << 30, Replicas: 1, ResultsPerJob: 1000}); err != nil {
		t.Fatal(err)
	}
	if bus.Trouble().IsZero() || time.Since(bus.Trouble()) > time.Minute {
		t.Errorf("the trouble was at %s", bus.Trouble())
	}
	srv.Restart(t) // a new connection: the next probe is written at once
	for deadline := time.Now().Add(30 * time.Second); bus.Check() != nil || bus.Held() != nil; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the stream is there again: %v", bus.Check())
		}
	}
}

// Buses of one process ask each leader once: what it just told one of them, well or not, the others
// take, and a second later they ask anew.
func TestLeadersAreAskedOnce(t *testing.T) {
	srv := eventstest.Start(t, eventstest.Options{})
	var leaders jet.Leaders
	connect := func() *jet.Bus {
		bus, err := jet.Connect(t.Context(), jet.Options{Server: srv, Name: "test", Needs: jet.EveryStream(), Leaders: &leaders, Log: eventstest.Log(t)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = bus.Close(context.Background()) })
		return bus
	}
	one := connect()
	if err := one.Ensure(t.Context(), jet.Topology{Store: 1 << 30, Replicas: 1, ResultsPerJob: 10}); err != nil {
		t.Fatal(err)
	}
	if err := one.Check(); err != nil {
		t.Fatal(err)
	}
	leaders.Tell("JOBS", "has no leader")
	two := connect()
	if err := two.Check(); err == nil || !strings.HasPrefix(err.Error(), "JOBS has no leader since ") || strings.Contains(err.Error(), "\n") {
		t.Errorf("told that JOBS has none, a bus says: %v", err)
	}
	eventstest.Eventually(t, "it asks anew", func() bool { return two.Check() == nil })
}
