package watcher

import (
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
	Drives *drive.Drives // required; where the folders lie on this host
	Log    *slog.Logger  // required

	Metrics prometheus.Registerer // where the figures are shown; nil = nowhere

	// Quiet is how long a file must have been left alone before a read lease is
	// asked for, at least 20 ms. A job's watch.quiet_ms goes before it.
	// Default 50 ms.
	Quiet time.Duration
	// QuietSlow is how long a file must stay unchanged where no lease is to be
	// had, at least 20 ms. Default 2 s.
	QuietSlow time.Duration
	// QuietRemote is how long a file on a network mount must look the same, at
	// least 20 ms. Default 5 s.
	QuietRemote time.Duration
	// Sweep is the time between two scans of a folder in which nothing seems to
	// happen, at least 1 s. Default 60 s.
	Sweep time.Duration
	// Hang is how long a call into the file system may take before the folder
	// counts as blocked, at least 1 s. Default 10 s.
	Hang time.Duration
	// SyncStage has stages on the disk before their triggers are published. It
	// belongs with a broker that syncs; without it a power cut can lose a stage
	// whose trigger is kept. Default false.
	SyncStage bool
	// LinkAbove has the stage of a file of more bytes be a hard link to it, where it
	// cannot share blocks with it, rather than a copy; negative = of every file. It
	// is for runs that cannot write their input and whose runner looks whether it was
	// rewritten ([events.File.Look]): then what was there before does not run.
	// Default 0, of none.
	LinkAbove int64
	// Retention is how long a stage is kept after its file has left the queue,
	// unless the end of its run is known: then it goes at once. At least 1 m.
	// Default 7 days.
	Retention time.Duration
	// Reserve keeps room for the store: no file is staged on its disk while that is
	// short of it. Default nil, no room.
	Reserve *reserve.Reserve
	// MaxDepth is how many runs may follow from one another through watched
	// folders, at least 1. Default 8.
	MaxDepth int
	// Queued is how many files of one owner may be queued who is no
	// administrator; negative = any number. Default 50,000.
	Queued int
}

// Defaults of [Config].
const (
	DefaultQuiet       = 50 * time.Millisecond
	DefaultQuietSlow   = 2 * time.Second
	DefaultQuietRemote = 5 * time.Second
	DefaultSweep       = time.Minute
	DefaultHang        = 10 * time.Second
	DefaultRetention   = 7 * 24 * time.Hour
)

// minQuiet is two ticks of the coarsest clock of a local file system: what is
// written within one can look unchanged.
const minQuiet = 20 * time.Millisecond

// withDefaults fills in what is zero.
func (c Config) withDefaults() Config {
	for _, d := range []struct {
		field   *time.Duration
		or      time.Duration
		atLeast time.Duration
	}{
		{&c.Quiet, DefaultQuiet, minQuiet},
		{&c.QuietSlow, DefaultQuietSlow, minQuiet},
		{&c.QuietRemote, DefaultQuietRemote, minQuiet},
		{&c.Sweep, DefaultSweep, time.Second},
		{&c.Hang, DefaultHang, time.Second},
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

// Validate reports every fault of the config.
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

// CheckSettings reports what is wrong with what a person has set.
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
