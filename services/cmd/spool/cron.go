package main

import (
	"context"
	"net/http"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"spool.internal/cron"
	"spool.internal/events/jet"
	"spool.internal/services/daemon"
)

func cronCommand() *cobra.Command {
	r := &role{}
	var timezone string
	return service("cron", "Run the clock alone", r, func(f *pflag.FlagSet) {
		zoneFlag(f, &timezone)
	}, func(_ context.Context, p *daemon.Process, bus *jet.Bus) error {
		zone, err := zoneOf(timezone)
		if err != nil {
			return err
		}
		c, err := cron.New(cron.Config{Bus: bus, Location: zone, Log: component(p, "cron")})
		if err != nil {
			return err
		}
		p.Go("cron", c.Run)
		p.OnCheck("cron", c.Check)
		_, err = p.Serve("http", r.listener(), http.NotFoundHandler())
		return err
	})
}
