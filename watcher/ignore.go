package watcher

import (
	"path"
	"strings"

	"spool.internal/events"
)

// Endings of names under which programs build a file that they rename, or
// remove, when it is done. A later rename to another name is a new file.
var unfinished = map[string]bool{
	".tmp": true, ".temp": true, ".part": true, ".partial": true, ".filepart": true,
	".crdownload": true, ".download": true, ".opdownload": true, ".aria2": true,
	".swp": true, ".lock": true, ".camellock": true,
}

// ignored reports that a name is no file for a run: hidden, unfinished, or
// matched by a pattern of the job, or there to say that another is complete.
func ignored(name string, watch events.Watch) bool {
	switch {
	case strings.HasPrefix(name, "."), strings.HasPrefix(name, "~$"), strings.HasSuffix(name, "~"):
		return true
	case len(name) > 1 && name[0] == '#' && name[len(name)-1] == '#':
		return true
	case unfinished[strings.ToLower(path.Ext(name))]:
		return true
	case strings.EqualFold(name, "Thumbs.db"), strings.EqualFold(name, "desktop.ini"):
		return true
	}
	if _, marker := watch.MarkedBy(name); marker {
		return true
	}
	for _, p := range watch.Ignore {
		if ok, err := path.Match(p, name); ok && err == nil {
			return true
		}
	}
	return false
}
