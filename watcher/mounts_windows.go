package watcher

import "os"

// mountedAt takes every file system for local.
func mountedAt(*os.File) mounted { return mounted{} }
