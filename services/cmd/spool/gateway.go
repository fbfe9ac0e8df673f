package main

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"spool.internal/events/jet"
	"spool.internal/gateway"
	"spool.internal/services/daemon"
)

func gatewayCommand() *cobra.Command {
	r := &role{}
	return service("gateway", "Run the REST API alone", r, func(f *pflag.FlagSet) { r.place.flags(f) },
		func(_ context.Context, p *daemon.Process, bus *jet.Bus) error {
			if _, err := r.open(); err != nil {
				return err
			}
			keys := jet.NewKeyring(bus)
			p.Go("keyring", keys.Run)
			g, err := gateway.New(gateway.Config{Bus: bus, Keys: keys, DataDir: r.data, Version: version, Log: component(p, "gateway")})
			if err != nil {
				return err
			}
			p.Go("gateway", g.Run)
			p.OnCheck("gateway", g.Check)
			_, err = p.Serve("api", r.listener(), g.Handler())
			return err
		})
}
