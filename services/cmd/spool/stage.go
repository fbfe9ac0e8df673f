package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"spool.internal/events"
	"spool.internal/watcher"
)

// stageOptions say how files are put where their runs read them.
type stageOptions struct {
	how       string
	linkAbove int64
	retention time.Duration
	depth     int

	durability string // of a watcher alone; in one process the broker's is the watcher's
}

func (o *stageOptions) flags(f *pflag.FlagSet, alone bool) {
	f.StringVar(&o.how, "stage", stageCopy, "what a file becomes for its run where blocks cannot be shared: copy, or link: a hard link (only where runs cannot write their input; what is rewritten before its run has ended is noticed, and only the new content runs)")
	sizeVar(f, &o.linkAbove, "link-above", 0, "with --stage copy, files of more than this become hard links all the same, under the same conditions, as 10GiB (default: none do)")
	durationVar(f, &o.retention, "spool-retention", watcher.DefaultRetention, "how long a staged file is kept after its call, unless the end of its run is known")
	f.IntVar(&o.depth, "max-depth", events.DefaultMaxDepth, "runs that may follow from one another through watched folders; files beyond that are held, and those that lead back to their job at once")
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

// config has what these flags say; see [watcher.Config.LinkAbove].
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
