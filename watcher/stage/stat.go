package stage

import (
	"io/fs"
	"os"
	"path/filepath"

	"spool.internal/events/fileid"
	"spool.internal/watcher/settle"
)

// Stat is a snapshot of a file or folder.
type Stat struct {
	settle.Stat
	Regular bool
	Folder  bool // no link to one
	Perm    fs.FileMode
	Device  uint64
}

// Identity is what tells a folder from the one that takes its place.
type Identity struct {
	device, inode uint64
	birth         int64
}

// Identity tells a folder from the one that takes its place.
func (s Stat) Identity() Identity { return Identity{s.Device, s.Inode, s.Birth} }

// FingerprintLength is the length of a fingerprint's text.
const FingerprintLength = fileid.Length

// Fingerprint tells a file from every other, see [fileid.Fingerprint].
func Fingerprint(jobID, path, generation string, s settle.Stat) string {
	return fileid.Fingerprint(jobID, path, generation, s)
}

// statAt says what a name in a folder is, without following a link.
func statAt(root *os.Root, folder *os.File, name string) (Stat, error) {
	return asStat(fileid.At(root, folder, name))
}

// statOpen says what an open file is.
func statOpen(f *os.File) (Stat, error) { return asStat(fileid.Open(f)) }

// StatPath says what a path leads to.
func StatPath(path string) (Stat, error) { return asStat(fileid.Path(path)) }

// StatLink says what is at a path, without following a link.
func StatLink(path string) (Stat, error) { return asStat(fileid.Link(path)) }

func asStat(i fileid.Info, err error) (Stat, error) {
	return Stat{Stat: i.Stat, Regular: i.Regular, Folder: i.Folder, Perm: i.Perm, Device: i.Device}, err
}

// statIn says what a path below a folder is, without following a link at its end.
func statIn(root *os.Root, name string) (Stat, error) {
	dir, err := root.Open(filepath.Dir(name))
	if err != nil {
		return Stat{}, err
	}
	defer dir.Close() //nolint:errcheck // nothing was written through it
	return statAt(root, dir, filepath.Base(name))
}
