package main

import (
	"context"

	"spool.internal/events/jet"
	"spool.internal/watcher"
)

func (in *instance) startWatcher(_ context.Context, bus *jet.Bus) error {
	drives, err := in.drivesOf(bus)
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
		cfg.Log.Warn("stages can be hard links to the files in watched folders, and runs are not kept from writing their input: a run can change the originals; leave out --stage link and --link-above, or have flows shut in")
	}
	w, err := watcher.New(cfg)
	if err != nil {
		return err
	}
	in.add("watcher", w)
	return nil
}

// syncs reports whether a staged file is on the disk before it is queued.
func (s *settings) syncs() bool {
	if s.alone() {
		return durable(s.stage.durability)
	}
	return durable(s.broker.durability)
}
