// Command subscriber prints each ended run of one job, also those that ended
// while it was not running: subscriber JOB_ID [nats-url] [subscriber.creds].
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
	args := append(os.Args[1:], []string{"", "nats://127.0.0.1:4222", "spool-data/subscriber.creds"}[len(os.Args)-1:]...)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	nc := must(nats.Connect(args[1], nats.UserCredentials(args[2]), nats.CustomInboxPrefix("_INBOX.subscriber"), nats.MaxReconnects(-1)))
	defer nc.Close()
	js := must(jetstream.New(nc))
	runs := must(js.CreateOrUpdateConsumer(ctx, "RUN_EVENTS", jetstream.ConsumerConfig{
		Durable: "subscriber-" + args[0], FilterSubject: "spool.run.ended." + args[0] + ".>",
	}))
	defer must(runs.Consume(func(m jetstream.Msg) { fmt.Println(string(m.Data())); _ = m.Ack() })).Stop()
	<-ctx.Done()
}

func must[T any](v T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, "subscriber:", err)
		os.Exit(1)
	}
	return v
}
