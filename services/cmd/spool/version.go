package main

import (
	"runtime/debug"
	"time"
)

// version returns what the Go tool recorded of the build: a tag or "devel", the commit and
// its date, and whether files differed from it. A build outside a repository has only the
// first.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	set := map[string]string{}
	for _, s := range info.Settings {
		set[s.Key] = s.Value
	}
	return versionOf(info.Main.Version, set["vcs.revision"], set["vcs.time"], set["vcs.modified"] == "true")
}

func versionOf(tag, commit, at string, modified bool) string {
	text := "devel"
	if tag != "" && tag != "(devel)" {
		text = tag
	}
	if len(commit) > 12 {
		text += " (" + commit[:12]
		if t, err := time.Parse(time.RFC3339, at); err == nil {
			text += " of " + t.UTC().Format(time.DateOnly)
		}
		if modified {
			text += ", modified"
		}
		text += ")"
	}
	return text
}
