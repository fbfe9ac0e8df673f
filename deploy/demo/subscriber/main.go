// Command subscriber prints the events of a subscriber, also those of the time in which
// it was not running:
//
//	spool subscriber create NAME -o NAME.creds
//	subscriber NAME [nats-url] [NAME.creds] [stream]
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func main() {
	if len(os.Args) < 2 || len(os.Args) > 5 {
		fmt.Fprintln(os.Stderr, "usage: subscriber NAME [nats-url] [NAME.creds] [stream]")
		os.Exit(2)
	}
	args := append(os.Args[1:], []string{"", "nats://127.0.0.1:4222", os.Args[1] + ".creds", "RUN_EVENTS"}[len(os.Args)-1:]...)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	nc := must(nats.Connect(args[1], nats.UserCredentials(args[2]), nats.MaxReconnects(-1)))
	defer nc.Close()
	events := must(must(jetstream.New(nc)).Consumer(ctx, args[3], "subscriber-"+args[0]))
	defer must(events.Consume(func(m jetstream.Msg) { fmt.Println(string(m.Data())); _ = m.Ack() })).Stop()
	<-ctx.Done()
}

func must[T any](v T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, "subscriber:", err)
		os.Exit(1)
	}
	return v
}
