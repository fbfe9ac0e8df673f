//go:build !linux

package drive

import "os"

// pathFlags are for reading: there is nothing less.
const pathFlags = os.O_RDONLY | nonBlock

// beneath has no call of the system to lean on here.
func beneath(*os.Root, string, int) (*os.File, error) { return nil, errWalk }
