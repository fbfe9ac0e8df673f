package cron_test

import (
	"context"
	"log/slog"
	"os"
	"os/signal"

	"spool.internal/cron"
	"spool.internal/events/jet"
)

// A program that is the clock and nothing else, as spool cron is. Any number of them may
// run beside each other: each slot is triggered once.
func Example() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))

	bus, err := jet.Connect(ctx, jet.Options{URL: "nats://127.0.0.1:4222", Creds: "cron.creds", Name: "cron", Log: log})
	if err != nil {
		log.Error("NATS cannot be reached", "error", err)
		return
	}
	defer func() { _ = bus.Close(context.WithoutCancel(ctx)) }()

	clock, err := cron.New(cron.Config{Bus: bus, Log: log})
	if err != nil {
		log.Error("the clock cannot be set up", "error", err)
		return
	}
	if err := clock.Run(ctx); err != nil { // until Ctrl-C
		log.Error("the clock has stopped", "error", err)
	}
}
