package watcher

import (
	"fmt"
	"strings"

	"spool.internal/events"
	"spool.internal/watcher/settle"
)

// mounted is what kind of file system a directory is on.
type mounted struct {
	name  string // "" = not known
	trust settle.Trust
}

// watchable says why a directory on it cannot be watched, or nil.
func (m mounted) watchable() error {
	if m.trust == settle.Remote {
		return fmt.Errorf(events.WhyRemote+" (%s) the system does not report what others do", m.name)
	}
	return nil
}

// mountOf returns the mount that a path lies on, by its text alone: following links could hang.
func mountOf(mounts []string, path string) string {
	longest := ""
	for _, m := range mounts {
		if len(m) > len(longest) && (m == "/" || path == m || strings.HasPrefix(path, m+"/")) {
			longest = m
		}
	}
	return longest
}
