package main

import (
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"spool.internal/events"
	"spool.internal/watcher"
)

// stageOptions say how files are put where their runs read them.
type stageOptions struct {
	how       string
	retention time.Duration
	depth     int
}

func (o *stageOptions) flags(f *pflag.FlagSet, auto string) {
	f.StringVar(&o.how, "stage", "auto", "what a file becomes for its run where blocks cannot be shared: copy, link (only where runs cannot write their input), or auto: "+auto)
	f.DurationVar(&o.retention, "spool-retention", watcher.DefaultRetention, "how long a staged file is kept after its call, unless the end of its run is known")
	f.IntVar(&o.depth, "max-depth", events.DefaultMaxDepth, "runs that may follow from one another through watched folders; files beyond that are held, and those that lead back to their job at once")
}

// quotaFlag is of every service that holds owners to a part of it.
func quotaFlag(f *pflag.FlagSet, q *events.Quota) {
	f.Var(q, "quota", "what an owner may have who is no administrator: jobs=10000,bytes=…,queued=50000,running=100, each a number or none; bytes of the jobs with their history (KiB, MiB, GiB; default: a quarter of their stream)")
}

// linked decides between link and copy. shut says that runs cannot write their input.
func (o *stageOptions) linked(shut bool) (bool, error) {
	switch o.how {
	case "auto":
		return shut, nil
	case "link", "copy":
		return o.how == "link", nil
	default:
		return false, fmt.Errorf("--stage: %q is not one of auto, link, copy", o.how)
	}
}
