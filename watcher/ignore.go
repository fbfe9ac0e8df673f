package watcher

import "spool.internal/events"

// ignored reports whether the name of a file or directory below the folder of a job excludes it from runs.
func ignored(rel string, watch events.Watch) bool { return watch.WhyIgnored(rel) != "" }

// ignoredPath reports whether a job ignores the file at a path, or a folder above it.
func ignoredPath(rel string, watch events.Watch) bool { return watch.WhyNot(rel) != "" }
