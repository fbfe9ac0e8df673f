package jet_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"spool.internal/events"
	"spool.internal/events/eventstest"
	"spool.internal/events/jet"
)

// What a process acked that died before it took it out of the stream goes, though no
// other process has anything to do any more.
func TestWhatTheDeadHaveAckedGoes(t *testing.T) {
	t.Parallel()
	s := eventstest.Start(t, eventstest.Options{})
	bus := eventstest.Connect(t, s)
	q := jet.RawQueue(jet.StreamFiles, jet.FilesOf("job"), jet.Queue{Name: "file-job", Pending: 100})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	first, on := make(chan struct{}), make(chan struct{})
	var pulling sync.WaitGroup
	defer pulling.Wait()
	defer cancel()
	pulling.Go(func() {
		must(t, bus.Pull(ctx, q, 1, func(d *jet.Delivery) {
			close(first)
			<-on
			must(t, d.Ack())
		}))
	})
	must(t, second(bus.CommitFiles(t.Context(), []events.Trigger{file(0)})))
	<-first
	must(t, second(bus.CommitFiles(t.Context(), []events.Trigger{file(1), file(2)})))
	nc, err := nats.Connect("", nats.InProcessServer(s))
	must(t, err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	must(t, err)
	cons, err := js.Consumer(t.Context(), jet.StreamFiles, q.Name)
	must(t, err)
	for range 2 { // as a dispatcher that is killed then
		m, err := cons.Next()
		must(t, err)
		must(t, m.DoubleAck(t.Context()))
	}
	close(on)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		left, err := bus.Subjects(t.Context(), jet.StreamFiles, jet.AllFiles)
		if err == nil && len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%v is left (%v)", left, err)
		}
	}
}
