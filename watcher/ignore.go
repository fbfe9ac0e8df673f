package watcher

import "spool.internal/events"

// ignored reports that what lies at a path below the folder of a job is not for a run.
func ignored(rel string, watch events.Watch) bool { return watch.WhyIgnored(rel) != "" }

// ignoredPath reports whether a job leaves the file at a path alone, or a folder above it.
func ignoredPath(rel string, watch events.Watch) bool { return watch.WhyNot(rel) != "" }
