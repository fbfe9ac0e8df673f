//go:build !linux

package broker

func syncAll(dir string) error { return syncFiles(dir) }
