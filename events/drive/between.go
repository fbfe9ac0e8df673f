package drive

import "strings"

// plain reports that a name is one of a folder's own, and no way elsewhere.
func plain(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.ContainsAny(name, "/\x00")
}
