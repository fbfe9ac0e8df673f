package settle

import "fmt"

// Trust says how far the reports and leases of a file system can be relied on.
type Trust int

const (
	Local    Trust = iota // changes are reported, and a lease shows every writer
	Doubtful              // probably the same; swept more often until that has proved true
	Remote                // other hosts write without a report: polled, and leases prove nothing
)

// fileSystems are those that Linux names by a magic number (statfs).
var fileSystems = map[uint32]struct {
	name  string
	trust Trust
}{
	0xEF53:     {"ext", Local},
	0x58465342: {"xfs", Local},
	0x9123683E: {"btrfs", Local},
	0x01021994: {"tmpfs", Local},
	0x858458F6: {"ramfs", Local},
	0x2FC12FC1: {"zfs", Local},
	0xF2F52010: {"f2fs", Local},
	0xCA451A4E: {"bcachefs", Local},
	0x3153464A: {"jfs", Local},
	0x3434:     {"nilfs", Local},
	0x4D44:     {"fat", Local},
	0x2011BAB0: {"exfat", Local},
	0x7366746E: {"ntfs", Local},
	0x482B:     {"hfs+", Local},

	0x794C7630: {"overlayfs", Doubtful}, // a layer below can be changed unheard
	0x0187:     {"autofs", Doubtful},    // nothing is mounted there yet
	0x7461636F: {"ocfs2", Remote},
	0x01161970: {"gfs2", Remote},

	0x6969:     {"nfs", Remote},
	0x517B:     {"smb", Remote},
	0xFF534D42: {"cifs", Remote},
	0xFE534D42: {"smb2", Remote},
	0x65735546: {"fuse", Remote}, // sshfs, s3fs, gcsfuse, virtiofs, mergerfs …
	0x01021997: {"9p", Remote},
	0x00C36400: {"ceph", Remote},
	0x5346414F: {"afs", Remote},
	0x6B414653: {"afs", Remote},
	0x73757245: {"coda", Remote},
	0x564C:     {"ncp", Remote},
	0x0BD00BD0: {"lustre", Remote},
	0x47504653: {"gpfs", Remote},
	0x786F4256: {"vboxsf", Remote},
	0xBACBACBC: {"vmhgfs", Remote},
}

// FileSystem returns the name of the file system of a magic number, and how far to trust it.
func FileSystem(magic uint32) (name string, t Trust) {
	if fs, ok := fileSystems[magic]; ok {
		return fs.name, fs.trust
	}
	return fmt.Sprintf("file system %#x", magic), Doubtful
}
