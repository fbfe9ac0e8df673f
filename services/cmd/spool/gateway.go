package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/events/jet"
	"spool.internal/gateway"
	"spool.internal/services/daemon"
)

// gatewayOptions are the flags about the API.
type gatewayOptions struct {
	rate      float64
	burst     int
	maxUpload int64
	domains   domains
}

func (o *gatewayOptions) flags(f *pflag.FlagSet) {
	f.Float64Var(&o.rate, "rate", 200, "requests per second that a token may make for ever; below 0 no limit")
	f.IntVar(&o.burst, "burst", 400, "requests that a token may make at once")
	sizeVar(f, &o.maxUpload, "max-upload", 5<<30, "the largest file that is taken over HTTP")
}

func (o *gatewayOptions) config(bus *jet.Bus, keys *jet.Keyring, drives *drive.Drives, zone *time.Location, data string, log *slog.Logger) gateway.Config {
	return gateway.Config{
		Bus: bus, Keys: keys, Drives: drives, Zone: zone, DataDir: data, Log: log,
		Rate: o.rate, Burst: o.burst, MaxUpload: o.maxUpload, MailDomains: o.domains.MailDomains, Version: version(),
	}
}

func (o *gatewayOptions) check() error {
	return o.config(nil, nil, nil, nil, "", nil).CheckSettings()
}

func gatewayCommand() *cobra.Command {
	r := &role{}
	var o gatewayOptions
	var timezone string
	var quota events.Quota
	var kept spare
	r.settings = func() error {
		_, err := zoneOf(timezone)
		return errors.Join(err, o.check())
	}
	return service("gateway", "Run the REST API alone", r, func(f *pflag.FlagSet) {
		r.place.flags(f)
		o.flags(f)
		o.domains.flag(f)
		zoneFlag(f, &timezone)
		quotaFlag(f, &quota)
		kept.flag(f)
	}, func(_ context.Context, p *daemon.Process, bus *jet.Bus) error {
		drives, err := r.place.open(r.data)
		if err != nil {
			return err
		}
		drives.Recorded(bus.HostOf)
		zone, err := zoneOf(timezone)
		if err != nil {
			return err
		}
		keys := jet.NewKeyring(bus)
		p.Go("keyring", keys.Run)
		cfg := o.config(bus, keys, drives, zone, r.data, component(p, "gateway"))
		cfg.Quota, cfg.Reserve, cfg.Subscribers = quota, kept.of(p, r.data), bus
		g, err := gateway.New(cfg)
		if err != nil {
			return err
		}
		p.Go("gateway", g.Run)
		p.OnCheck("gateway", g.Check)
		_, err = p.Serve("api", r.listener(), g.Handler())
		return err
	})
}
