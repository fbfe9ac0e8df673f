//go:build unix

package location

import (
	"io/fs"
	"strconv"
	"syscall"
)

// identity tells a folder from all others of this host.
func identity(info fs.FileInfo) string {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	return strconv.FormatUint(uint64(s.Dev), 10) + ":" + strconv.FormatUint(uint64(s.Ino), 10) //nolint:unconvert // the types differ between systems
}
