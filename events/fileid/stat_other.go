//go:build !linux

package fileid

import "os"

// At stats a name in a folder, and does not follow a link.
func At(root *os.Root, _ *os.File, name string) (Info, error) {
	fi, err := root.Lstat(name)
	if err != nil {
		return Info{}, err
	}
	return fromInfo(fi), nil
}

// Open stats an open file.
func Open(f *os.File) (Info, error) {
	fi, err := f.Stat()
	if err != nil {
		return Info{}, err
	}
	return fromInfo(fi), nil
}

// Link stats what is at a path, and does not follow a link there.
func Link(path string) (Info, error) {
	fi, err := os.Lstat(path)
	if err != nil {
		return Info{}, err
	}
	return fromInfo(fi), nil
}

// Path stats what a path leads to, and follows links.
func Path(path string) (Info, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return Info{}, err
	}
	return fromInfo(fi), nil
}
