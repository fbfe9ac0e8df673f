package jet_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"spool.internal/events"
	"spool.internal/events/jet"
)

// A job is stored on condition that nobody changed it meanwhile: of two who make the same
// change, one wins and the other is told.
func Example() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	srv, stop := broker()
	defer stop()
	bus, err := jet.Connect(ctx, jet.Options{Server: srv, Name: "example", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = bus.Close(ctx) }()
	if err := bus.Ensure(ctx, jet.Topology{Store: 1 << 30, Replicas: 1, ResultsPerJob: 10}); err != nil {
		fmt.Println(err)
		return
	}

	nightly := events.JobEvent{Event: events.JobCreated, By: "ann", Job: events.Job{ID: "0b2f6c0e", Username: "ann", Name: "nightly"}}
	seq, err := bus.PutJob(ctx, nightly, 0) // 0: there is no such job yet
	fmt.Println(seq, err)
	_, err = bus.PutJob(ctx, nightly, 0)
	fmt.Println(jet.IsConflict(err))

	job, err := bus.Job(ctx, "0b2f6c0e")
	fmt.Println(job.Event.Job.Name, err)
	// Output:
	// 1 <nil>
	// true
	// nightly <nil>
}

// broker runs a JetStream server in this process, as package broker does for Spool.
func broker() (*server.Server, func()) {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	srv, err := server.NewServer(&server.Options{
		DontListen: true, JetStream: true, StoreDir: dir, JetStreamMaxStore: 1 << 30, NoLog: true, NoSigs: true,
	})
	if err != nil {
		panic(err)
	}
	srv.Start()
	return srv, func() {
		srv.Shutdown()
		srv.WaitForShutdown()
		_ = os.RemoveAll(dir)
	}
}
