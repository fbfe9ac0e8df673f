package main

import (
	"context"
	"os"

	"github.com/spf13/pflag"

	"spool.internal/cron"
	"spool.internal/events/jet"
)

// cronOptions are the flags of cron.
type cronOptions struct{ catchUpRate int }

func (o *cronOptions) flags(f *pflag.FlagSet, _ bool) {
	f.IntVar(&o.catchUpRate, "catch-up-rate", 100, "triggers per second at which cron works off the backlogs of jobs with catch_up: all")
}

func (o *cronOptions) check(*settings) error { return o.config().CheckSettings() }

func (o *cronOptions) config() cron.Config { return cron.Config{CatchUpRate: o.catchUpRate} }

func (in *instance) startCron(_ context.Context, bus *jet.Bus) (err error) {
	cfg := in.set.cron.config()
	if cfg.Location, err = in.set.zone.load(); err != nil {
		return err
	}
	// In serve without a cluster the store is in this process.
	cfg.OtherClocks = in.bundle != nil || in.set.alone()
	cfg.Machine = in.place()
	if cfg.Machine == "" {
		cfg.Machine, _ = os.Hostname()
	}
	cfg.Bus, cfg.Metrics, cfg.Log = bus, in.Metrics, in.log("cron")
	c, err := cron.New(cfg)
	if err != nil {
		return err
	}
	in.add("cron", c)
	in.answered = c.Answered
	return nil
}
