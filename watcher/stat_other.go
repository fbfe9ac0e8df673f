//go:build !linux

package watcher

import "os"

// statAt looks at a name in a folder, without following it.
func statAt(root *os.Root, _ *os.File, name string) (stat, error) {
	fi, err := root.Lstat(name)
	if err != nil {
		return stat{}, err
	}
	return fromInfo(fi), nil
}

// statOpen looks at an open file.
func statOpen(f *os.File) (stat, error) {
	fi, err := f.Stat()
	if err != nil {
		return stat{}, err
	}
	return fromInfo(fi), nil
}

// statLink looks at what is at a path, be it a link.
func statLink(path string) (stat, error) {
	fi, err := os.Lstat(path)
	if err != nil {
		return stat{}, err
	}
	return fromInfo(fi), nil
}

// statPath looks at what a path leads to.
func statPath(path string) (stat, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return stat{}, err
	}
	return fromInfo(fi), nil
}
