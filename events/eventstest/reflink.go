package eventstest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Reflinks gives a folder on a file system of its own on which copies share
// blocks with what they are copies of. It needs root and mkfs.xfs or mkfs.btrfs.
func Reflinks(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	image, at := filepath.Join(dir, "image"), filepath.Join(dir, "mount")
	if err := os.Mkdir(at, 0o755); err != nil {
		t.Fatal(err)
	}
	var lack strings.Builder
	for _, mkfs := range []string{"mkfs.xfs", "mkfs.btrfs"} {
		if err := os.WriteFile(image, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(image, 512<<20); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(mkfs, "-q", image).CombinedOutput()
		if err == nil {
			out, err = exec.Command("mount", "-o", "loop", image, at).CombinedOutput()
		}
		if err == nil {
			t.Cleanup(func() {
				if out, err := exec.Command("umount", "-l", at).CombinedOutput(); err != nil {
					t.Errorf("umount: %v %s", err, out)
				}
			})
			return at
		}
		lack.WriteString(" " + err.Error() + " " + string(out))
	}
	t.Skipf("no file system with shared blocks can be mounted here:%s", lack.String())
	return ""
}
