package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"spool.internal/events"
	"spool.internal/watcher"
)

// stageOptions are the flags of the watcher: how files are staged for their runs.
type stageOptions struct {
	how       string
	linkAbove int64
	retention time.Duration
	depth     int

	durability string // of a watcher alone; in one process that of the broker counts
}

func (o *stageOptions) flags(f *pflag.FlagSet, alone bool) {
	f.StringVar(&o.how, "stage", stageCopy, "how a file is staged for its run where blocks cannot be shared: copy, or link, a hard link (only where runs cannot write their input; a file that is rewritten before its run has ended is noticed, and only the new content runs)")
	sizeVar(f, &o.linkAbove, "link-above", 0, "with --stage copy: files larger than this, such as 10GiB, become hard links all the same, under the conditions of --stage link (default: none)")
	durationVar(f, &o.retention, "spool-retention", watcher.DefaultRetention, "how long a staged file is kept after its call, unless the end of its run is known")
	f.IntVar(&o.depth, "max-depth", events.DefaultMaxDepth, "longest chain of runs through watched folders; a file that would lengthen it is held, and so is any file that leads back to its own job")
	if alone {
		f.StringVar(&o.durability, "durability", "fsync", "whether a staged file is synced to disk before it is queued: fsync or interval")
	}
}

// Values of --stage.
const (
	stageCopy = "copy"
	stageLink = "link"
)

func (o *stageOptions) check(s *settings) error {
	cfg, err := o.config()
	if s.alone() {
		err = errors.Join(err, durabilityOf(o.durability))
	}
	return errors.Join(err, cfg.CheckSettings())
}

// config returns the settings of these flags; see [watcher.Config.LinkAbove].
func (o *stageOptions) config() (watcher.Config, error) {
	c := watcher.Config{Retention: o.retention, MaxDepth: o.depth}
	switch o.how {
	case stageCopy:
		c.LinkAbove = o.linkAbove
	case stageLink:
		c.LinkAbove = -1
	default:
		return c, fmt.Errorf("stage: %q is not one of %s, %s", o.how, stageCopy, stageLink)
	}
	return c, nil
}
