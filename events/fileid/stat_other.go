//go:build !linux

package fileid

import "os"

// At looks at a name in a folder, without following it.
func At(root *os.Root, _ *os.File, name string) (Info, error) {
	fi, err := root.Lstat(name)
	if err != nil {
		return Info{}, err
	}
	return fromInfo(fi), nil
}

// Open looks at an open file.
func Open(f *os.File) (Info, error) {
	fi, err := f.Stat()
	if err != nil {
		return Info{}, err
	}
	return fromInfo(fi), nil
}

// Link looks at what is at a path, be it a link.
func Link(path string) (Info, error) {
	fi, err := os.Lstat(path)
	if err != nil {
		return Info{}, err
	}
	return fromInfo(fi), nil
}

// Path looks at what a path leads to.
func Path(path string) (Info, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return Info{}, err
	}
	return fromInfo(fi), nil
}
