package main

import (
	"context"

	"spool.internal/events/jet"
	"spool.internal/watcher"
)

func (in *instance) startWatcher(ctx context.Context, bus *jet.Bus) error {
	drives, err := in.drivesOf(ctx, bus)
	if err != nil {
		return err
	}
	cfg, err := in.set.stage.config()
	if err != nil {
		return err
	}
	cfg.Bus, cfg.Drives, cfg.SyncStage, cfg.Queued = bus, drives, in.set.syncs(), in.set.quota.Queued
	cfg.Reserve, cfg.Metrics, cfg.Log = in.reserve(), in.Metrics, in.log("watcher")
	if cfg.LinkAbove != 0 && in.runner != nil && (in.set.dispatch.endpoint != "" || !in.runner.Sandboxed()) {
		cfg.Log.Warn("runs can change the files in watched folders: stages can be hard links to them, and nothing keeps runs from writing to their input; leave out --stage link and --link-above, or run flows in the sandbox")
	}
	cfg.Places = in.placesOf(bus)
	w, err := watcher.New(cfg)
	if err != nil {
		return err
	}
	in.add("watcher", w)
	return nil
}

// syncs reports whether a staged file is synced to disk before it is queued.
func (s *settings) syncs() bool {
	if s.alone() {
		return durable(s.stage.durability)
	}
	return durable(s.broker.durability)
}
