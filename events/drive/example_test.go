package drive_test

import (
	"fmt"
	"os"
	"path/filepath"

	"spool.internal/events"
	"spool.internal/events/drive"
)

func Example() {
	base, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(base) }()
	drives, err := drive.New(base, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	in, err := events.ParsePath("input_dir", "ann/repo/fs/Data/in")
	if err != nil {
		fmt.Println(err)
		return
	}
	dir, err := drives.Create(in)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer dir.Close() //nolint:errcheck // only read
	if err := os.Symlink("/etc", filepath.Join(drives.HostPath(in), "away")); err != nil {
		fmt.Println(err)
		return
	}
	_, err = drives.OpenDir(in.Join("away")) // a link leaves no drive
	fmt.Println(err != nil)
	// Output: true
}
