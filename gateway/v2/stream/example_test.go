package stream_test

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/gorilla/mux"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/gateway/v2/stream"
	"spool.internal/gateway/wire"
)

// A stream follows the broker for as long as it runs, and serves GET /api/v2/events.
func Example() {
	ctx := context.Background()
	bus, err := jet.Connect(ctx, jet.Options{URL: "nats://127.0.0.1:4222", Name: "events", Log: slog.Default()})
	if err != nil {
		return
	}
	var jobs wire.Jobs // the gateway's cache
	s := stream.New(stream.Config{
		Bus: bus, Jobs: jobs, Log: slog.Default(),
		Token:  func(r *http.Request) events.Token { return events.Token{Owner: "ann", Role: events.Viewer} },
		Verify: func(r *http.Request) error { return nil },
	})
	router := mux.NewRouter()
	s.Routes(router)
	go func() { _ = http.ListenAndServe("127.0.0.1:8080", router) }()
	_ = s.Run(ctx)
}
