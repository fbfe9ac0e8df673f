package jet_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// The consumer of a folder's files lies on one of three servers. When that is stopped it is made
// anew on another within seconds: no file stays behind, and none that was done is worked on again.
func TestLongFileConsumerMoves(t *testing.T) {
	if testing.Short() {
		t.Skip("TestLong: starts three servers and stops one")
	}
	c := eventstest.Cluster(t, 3).Ensure(t)
	b := c.Connect(t)
	put := func(from, to int) {
		t.Helper()
		for n := from; n < to; n++ {
			eventstest.Eventually(t, "a file is queued", func() bool {
				_, err := b.CommitFiles(t.Context(), []events.Trigger{file(n)})
				return err == nil
			})
		}
	}
	var mu sync.Mutex
	seen := map[string]int{}
	count := func() int { mu.Lock(); defer mu.Unlock(); return len(seen) }
	queue := b.Files("job").Queue("file-job", 100)
	eventstest.Background(t, func(ctx context.Context) error {
		for ctx.Err() == nil {
			_ = b.Pull(ctx, queue, 16, func(d *jet.Delivery) {
				mu.Lock()
				seen[d.Subject]++
				mu.Unlock()
				_ = d.Ack()
			})
		}
		return nil
	})
	put(0, 20)
	eventstest.Eventually(t, "the first files come", func() bool { return count() == 20 })
	home := consumerHome(t, c, "FILES", "file-job")
	home.Stop()
	put(20, 40)
	eventstest.Eventually(t, "the files after it come", func() bool { return count() == 40 })
	if _, _, remade := b.Stalls(); remade == 0 {
		t.Error("the consumer was not made anew")
	}
	home.Start(t)
	put(40, 50)
	eventstest.Eventually(t, "files come when the server is back", func() bool { return count() == 50 })
	for subject, n := range seen {
		if n != 1 {
			t.Errorf("%s came %d times", subject, n)
		}
	}
}

// consumerHome gives the server of a consumer, which has one copy.
func consumerHome(t *testing.T, c *eventstest.Trio, stream, name string) *eventstest.Member {
	t.Helper()
	nc, err := nats.Connect(c.Members[0].URL())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	cons, err := js.Consumer(t.Context(), stream, name)
	if err != nil {
		t.Fatal(err)
	}
	info := cons.CachedInfo()
	if info.Cluster == nil || len(info.Cluster.Replicas) > 0 {
		t.Fatalf("the consumer has more than one copy: %s", fmt.Sprint(info.Cluster))
	}
	for _, m := range c.Members {
		if m.Name == info.Cluster.Leader {
			return m
		}
	}
	t.Fatal("the consumer has no server")
	return nil
}

// Requests for messages do not reach the leader of a queue's consumer, which is otherwise well: it says that
// it has something, and gives nothing. The watchdog asks anew, then has another server lead it, and counts both.
func TestLongStalledConsumer(t *testing.T) {
	if testing.Short() {
		t.Skip("TestLong: starts three servers, and waits for a leader")
	}
	c := eventstest.Cluster(t, 3).Ensure(t)
	at := c.Members[1]
	b := c.Connect(t, at)
	b.StallAfter(2 * time.Second)
	var got atomic.Int64
	queue := b.Triggers(events.KindManual, "").Queue("stalled", 100)
	eventstest.Background(t, func(ctx context.Context) error {
		for ctx.Err() == nil {
			_ = b.Pull(ctx, queue, 16, func(d *jet.Delivery) {
				got.Add(1)
				_ = d.Ack()
			})
		}
		return nil
	})
	put := func(id string) {
		t.Helper()
		if _, err := b.PutTrigger(t.Context(), events.KindManual, events.Trigger{ID: id, JobID: "job", Kind: events.KindManual}); err != nil {
			t.Fatal(err)
		}
	}
	put("one")
	eventstest.Eventually(t, "the first comes", func() bool { return got.Load() == 1 })
	leads := func(m *eventstest.Member) bool {
		return m.Server().JetStreamIsConsumerLeader(server.DEFAULT_GLOBAL_ACCOUNT, "TRIGGERS", "stalled")
	}
	eventstest.Eventually(t, "another server leads the consumer", func() bool {
		if leads(at) {
			_ = at.Server().JetStreamStepdownConsumer(server.DEFAULT_GLOBAL_ACCOUNT, "TRIGGERS", "stalled")
			return false
		}
		return leads(c.Members[0]) || leads(c.Members[2])
	})
	c.LosePulls(true)
	time.Sleep(6 * time.Second) // what was asked before is over: it stands for 5 s
	put("two")
	eventstest.Eventually(t, "the second comes", func() bool { return got.Load() == 2 })
	renewed, stepped, _ := b.Stalls()
	if renewed == 0 || stepped == 0 || !leads(at) {
		t.Errorf("asked anew %d times, stepped down %d times, this server leads: %t", renewed, stepped, leads(at))
	}
}
