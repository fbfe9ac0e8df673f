package main

import (
	"context"
	"errors"
	"net/http"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"spool.internal/events"
	"spool.internal/events/jet"
	"spool.internal/services/daemon"
	"spool.internal/watcher"
)

func watcherCommand() *cobra.Command {
	r := &role{}
	var durability string
	var stage stageOptions
	var quota events.Quota
	var kept spare
	r.settings = func() error { return errors.Join(stage.check(), durabilityOf(durability)) }
	return service("watcher", "Run the folder watcher alone", r, func(f *pflag.FlagSet) {
		r.place.flags(f)
		stage.flags(f)
		quotaFlag(f, &quota)
		kept.flag(f)
		f.StringVar(&durability, "durability", "fsync", "whether a staged file is synced to disk before it is queued: fsync or interval")
	}, func(_ context.Context, p *daemon.Process, bus *jet.Bus) error {
		drives, err := r.place.open(r.data)
		if err != nil {
			return err
		}
		drives.Recorded(bus.HostOf)
		cfg, err := stage.config(watcher.Config{
			Bus: bus, Drives: drives, SyncStage: (&brokerOptions{durability: durability}).durable(),
			Queued: quota.Queued, Reserve: kept.of(p, r.data), Metrics: p.Metrics, Log: component(p, "watcher"),
		})
		if err != nil {
			return err
		}
		w, err := watcher.New(cfg)
		if err != nil {
			return err
		}
		p.Go("watcher", w.Run)
		p.OnCheck("watcher", w.Check)
		_, err = p.Serve("http", r.listener(), http.NotFoundHandler())
		return err
	})
}
