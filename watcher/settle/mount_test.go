package settle_test

import (
	"testing"

	"spool.internal/watcher/settle"
)

func TestFileSystem(t *testing.T) {
	for _, tt := range []struct {
		magic uint32
		name  string
		trust settle.Trust
	}{
		{0xEF53, "ext", settle.Local},
		{0x58465342, "xfs", settle.Local},
		{0x9123683E, "btrfs", settle.Local},
		{0x01021994, "tmpfs", settle.Local},
		{0x794C7630, "overlayfs", settle.Doubtful},
		{0x6969, "nfs", settle.Remote},
		{0xFF534D42, "cifs", settle.Remote},
		{0xFE534D42, "smb2", settle.Remote},
		{0x65735546, "fuse", settle.Remote},
		{0x01021997, "9p", settle.Remote},
		{0x00C36400, "ceph", settle.Remote},
		{0x01161970, "gfs2", settle.Remote}, // the other nodes are not heard
		{0xDEADBEEF, "file system 0xdeadbeef", settle.Doubtful},
	} {
		if name, trust := settle.FileSystem(tt.magic); name != tt.name || trust != tt.trust {
			t.Errorf("%#x is %q, trust %v; want %q, %v", tt.magic, name, trust, tt.name, tt.trust)
		}
	}
}
