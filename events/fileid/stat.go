package fileid

import "io/fs"

// Stat is what one stat of a file returned. Any difference between two means that
// the file was touched in between.
type Stat struct {
	Inode    uint64
	Birth    int64 // ns since 1970; 0 where the file system does not tell
	Size     int64 // bytes
	Modified int64 // ns since 1970
	Changed  int64 // of the inode, ns since 1970; Modified where the system has none
}

// Info is a Stat with the kind of what was found.
type Info struct {
	Stat
	Regular bool
	Folder  bool // no link to one
	Perm    fs.FileMode
	Device  uint64
}
