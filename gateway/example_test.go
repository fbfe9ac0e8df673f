package gateway_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"

	"spool.internal/events/jet"
	"spool.internal/gateway"
)

// A gateway runs beside its keyring, behind any HTTP server. It answers 503 until it is
// ready. Its first start writes the admin token into DataDir/admin.token.
func Example() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	bus, err := jet.Connect(ctx, jet.Options{URL: "nats://127.0.0.1:4222", Name: "gateway", Log: slog.Default()})
	if err != nil {
		fmt.Println(err)
		return
	}
	keys := jet.NewKeyring(bus)
	g, err := gateway.New(gateway.Config{Bus: bus, Keys: keys, DataDir: "spool-data", Log: slog.Default()})
	if err != nil {
		fmt.Println(err) // every fault of the configuration at once
		return
	}
	server := &http.Server{Addr: "127.0.0.1:8080", Handler: g.Handler()}
	var parts sync.WaitGroup
	parts.Go(func() { _ = keys.Run(ctx) })
	parts.Go(func() { _ = g.Run(ctx) })
	parts.Go(func() { _ = server.ListenAndServe() })
	parts.Wait()
}
