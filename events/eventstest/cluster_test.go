package eventstest_test

import (
	"fmt"
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// A cluster of the test's goes on without one server, and has a follower that is behind.
func TestCluster(t *testing.T) {
	c := eventstest.Cluster(t, 3).Ensure(t)
	leader, follower := c.Leader(t, "TRIGGERS"), c.Follower(t, "TRIGGERS")
	bus := c.Connect(t, follower)
	put := func(id string) {
		t.Helper()
		eventstest.Eventually(t, "a trigger is stored", func() bool {
			_, err := bus.PutTrigger(t.Context(), events.KindManual, events.Trigger{ID: id, JobID: "job", Kind: events.KindManual})
			return err == nil
		})
	}
	count := func() int {
		n, err := bus.Triggers(events.KindManual, "job").All(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return len(n)
	}
	stored := 0
	more := func() { stored++; put(fmt.Sprint(stored)) }
	all := func() {
		t.Helper()
		eventstest.Eventually(t, "the follower has all", func() bool { return count() == stored })
	}
	more()
	all()
	eventstest.Eventually(t, "a reader sees what the follower has", func() bool { // any server may answer, or the leader change
		follower.Delay(time.Minute)
		more()
		behind := count() < stored
		follower.Delay(0)
		all()
		return behind
	})
	leader.Stop()
	leader.Start(t)
	c.AwaitReads(t, jet.EveryStream().Reads...) // before it is stopped again with the test: a server that is stopped while it opens a store leaves it open
	more()
	all()
}
