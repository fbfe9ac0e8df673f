package eventstest_test

import (
	"testing"
	"time"

	"spool.internal/events"
	"spool.internal/events/eventstest"
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
	put("one")
	eventstest.Eventually(t, "the follower has the first", func() bool { return count() == 1 })

	follower.Delay(time.Minute)
	put("two")
	eventstest.Eventually(t, "a reader sees what the follower has", func() bool { return count() == 1 }) // any server may answer
	follower.Delay(0)
	leader.Stop()
	leader.Start(t)
	put("three")
	eventstest.Eventually(t, "the follower has all", func() bool { return count() == 3 })
}
