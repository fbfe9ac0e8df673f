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

// ignored reports that what lies at a path below the folder of a job is not for a
// run: hidden, unfinished, some system's own, or matched by a pattern of the job,
// or there to say that another is complete.
func ignored(rel string, watch events.Watch) bool {
	name := path.Base(rel)
	switch {
	case strings.HasPrefix(name, "."), strings.HasPrefix(name, "~$"), strings.HasSuffix(name, "~"):
		return true
	case len(name) > 1 && name[0] == '#' && name[len(name)-1] == '#':
		return true
	case unfinished[strings.ToLower(path.Ext(name))]:
		return true
	}
	if _, marker := watch.MarkedBy(name); marker {
		return true
	}
	return watch.Ignores(rel)
}
