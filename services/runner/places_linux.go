package runner

import (
	"os"
	"strconv"
)

// realPath says where an open file lies, without links.
func realPath(f *os.File) (string, error) {
	return os.Readlink("/proc/self/fd/" + strconv.Itoa(int(f.Fd())))
}
