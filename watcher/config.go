package watcher

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/events/jet"
	"spool.internal/events/reserve"
)

// Config of the watcher.
type Config struct {
	Bus    *jet.Bus      // required
	Drives *drive.Drives // required; where the folders are on this host
	Log    *slog.Logger  // required

	// Places tells which drives the other machines serve. It is needed where the drives are those of a place. Default nil:
	// none is known.
	Places func(context.Context) (events.Places, error)

	Metrics prometheus.Registerer // where the metrics are registered; nil = nowhere

	// Quiet is the quiet period: how long a file must be unchanged before a read lease is asked for, at least 20 ms. A
	// job's watch.quiet_ms overrides it. Default 50 ms.
	Quiet time.Duration
	// QuietSlow is how long a file must be unchanged where no lease can be had, at least 20 ms. Default 2 s.
	QuietSlow time.Duration
	// QuietRemote is how long a file on a network mount must be unchanged, at least 20 ms. Default 5 s.
	QuietRemote time.Duration
	// Sweep is the time between two scans of a folder in which nothing seems to happen, at least 1 s. Default 60 s.
	Sweep time.Duration
	// Hang is how long a call into the file system may take before the folder counts as blocked, at least 1 s. Default
	// 10 s.
	Hang time.Duration
	// SyncStage flushes stages to disk before their triggers are published. Use it with a broker that syncs; without it a
	// power cut can lose a stage whose trigger is kept. Default false.
	SyncStage bool
	// LinkAbove stages files of more bytes as hard links instead of copies, where the file system cannot share blocks;
	// negative = every file. It is for runs that cannot write their input, and a runner that checks whether the file was
	// rewritten ([events.File.Look]): then the old content does not run. Default 0: no file.
	LinkAbove int64
	// Retention is how long a stage is kept after its file has left the queue, unless the end of its run is known: then
	// it is removed within a minute. At least 1 m. Default 7 days.
	Retention time.Duration
	// Reserve keeps room for the store: while its disk has less free, no file is staged there. Default nil: no reserve.
	Reserve *reserve.Reserve
	// MaxDepth is how many runs may follow from one another through watched folders, at least 1. Default 8.
	MaxDepth int
	// Queued is how many files of one owner who is no administrator may be queued; negative = any number. Default
	// 50,000.
	Queued int
}

// Defaults of [Config].
const (
	DefaultQuiet       = 50 * time.Millisecond
	defaultQuietSlow   = 2 * time.Second
	defaultQuietRemote = 5 * time.Second
	defaultSweep       = time.Minute
	defaultHang        = 10 * time.Second
	DefaultRetention   = 7 * 24 * time.Hour
)

// minQuiet is two ticks of the coarsest clock of a local file system: a change within one tick can go unnoticed.
const minQuiet = 20 * time.Millisecond

// withDefaults fills in what is zero.
func (c Config) withDefaults() Config {
	for _, d := range []struct {
		field   *time.Duration
		or      time.Duration
		atLeast time.Duration
	}{
		{&c.Quiet, DefaultQuiet, minQuiet},
		{&c.QuietSlow, defaultQuietSlow, minQuiet},
		{&c.QuietRemote, defaultQuietRemote, minQuiet},
		{&c.Sweep, defaultSweep, time.Second},
		{&c.Hang, defaultHang, time.Second},
		{&c.Retention, DefaultRetention, time.Minute},
	} {
		if *d.field == 0 {
			*d.field = d.or
		}
		if *d.field > 0 {
			*d.field = max(*d.field, d.atLeast)
		}
	}
	if c.MaxDepth == 0 {
		c.MaxDepth = events.DefaultMaxDepth
	}
	if c.Queued == 0 {
		c.Queued = events.DefaultQuota.Queued
	}
	return c
}

// Validate returns every fault of the config.
func (c Config) Validate() error {
	var errs []error
	for _, f := range []struct {
		name    string
		missing bool
	}{{"Bus", c.Bus == nil}, {"Drives", c.Drives == nil}, {"Log", c.Log == nil}} {
		if f.missing {
			errs = append(errs, events.Faultf(events.Invalid, f.name, "is required"))
		}
	}
	return errors.Join(append(errs, c.CheckSettings())...)
}

// CheckSettings returns every fault of what a person can set.
func (c Config) CheckSettings() error {
	var errs []error
	fault := func(field, format string, args ...any) {
		errs = append(errs, events.Faultf(events.Invalid, field, format, args...))
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{{"Quiet", c.Quiet}, {"QuietSlow", c.QuietSlow}, {"QuietRemote", c.QuietRemote}, {"Sweep", c.Sweep}, {"Hang", c.Hang}, {"spool-retention", c.Retention}} {
		if d.value < 0 {
			fault(d.name, "%s is negative: give a time, or 0 for the default", d.value)
		}
	}
	if c.MaxDepth < 0 {
		fault("max-depth", "%d is negative: give how many runs may follow from one another, or 0 for the default", c.MaxDepth)
	}
	return errors.Join(errs...)
}
