//go:build !unix

package atomicfile

import "os"

// SyncFolder does nothing: a folder cannot be synced here, and the system keeps names in order by itself.
func SyncFolder(string) error { return nil }

// SyncIn is SyncFolder for one below an open folder.
func SyncIn(*os.Root, string) error { return nil }
