package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"spool.internal/cron"
	"spool.internal/events/jet"
	"spool.internal/services/daemon"
)

// cronOptions are the flags about the clock.
type cronOptions struct {
	timezone    string
	catchUpRate int
}

func (o *cronOptions) flags(f *pflag.FlagSet) {
	zoneFlag(f, &o.timezone)
	f.IntVar(&o.catchUpRate, "catch-up-rate", 100, "triggers per second at which the backlog of catch_up all is worked off")
}

func (o *cronOptions) check() error {
	_, err := zoneOf(o.timezone)
	return errors.Join(err, cron.Config{CatchUpRate: o.catchUpRate}.CheckSettings())
}

func (o *cronOptions) config(bus *jet.Bus, zone *time.Location, p *daemon.Process) cron.Config {
	return cron.Config{Bus: bus, Location: zone, CatchUpRate: o.catchUpRate, Metrics: p.Metrics, Log: component(p, "cron")}
}

func cronCommand() *cobra.Command {
	r := &role{}
	var o cronOptions
	r.settings = o.check
	cmd := service("cron", "Run the clock alone", r, o.flags, func(_ context.Context, p *daemon.Process, bus *jet.Bus) error {
		zone, err := zoneOf(o.timezone)
		if err != nil {
			return err
		}
		c, err := cron.New(o.config(bus, zone, p))
		if err != nil {
			return err
		}
		p.Go("cron", c.Run)
		p.OnCheck("cron", c.Check)
		_, err = p.Serve("http", r.listener(), http.NotFoundHandler())
		return err
	})
	cmd.AddCommand(cronRewindCommand())
	return cmd
}
