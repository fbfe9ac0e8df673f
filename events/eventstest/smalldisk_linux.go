package eventstest

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// SmallDisk is a file system of its own that can be filled.
type SmallDisk struct {
	Dir string
	t   testing.TB
}

// NewSmallDisk mounts a disk of so many bytes until the test ends: an ext4, or, where
// it is to be quick or no ext4 can be mounted, memory. It skips the test where the
// machine can do neither.
func NewSmallDisk(t testing.TB, size int64, quick bool) *SmallDisk {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root: it mounts a disk of its own")
	}
	dir := t.TempDir()
	image, at := filepath.Join(dir, "image"), filepath.Join(dir, "disk")
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(image, size); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(at, 0o755); err != nil {
		t.Fatal(err)
	}
	mkfs := exec.Command("mkfs.ext4", "-q", "-m", "0", image)
	if _, err := exec.LookPath("mkfs.ext4"); !quick && err == nil && mkfs.Run() == nil && exec.Command("mount", "-o", "loop", image, at).Run() == nil {
		t.Logf("a disk of %d bytes: ext4", size)
	} else if err := syscall.Mount("tmpfs", at, "tmpfs", 0, "mode=755,size="+strconv.FormatInt(size, 10)); err == nil {
		t.Logf("a disk of %d bytes: tmpfs", size)
	} else {
		t.Skipf("needs a disk of its own, and neither an ext4 nor a tmpfs can be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(at, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount the small disk: %v", err)
		}
	})
	return &SmallDisk{Dir: at, t: t}
}

// Fill takes all the room that is left on the disk, and keeps taking what becomes
// free, until the function that it returns gives it back.
func (d *SmallDisk) Fill() (giveBack func()) {
	d.t.Helper()
	name := filepath.Join(d.Dir, "filler")
	stop, done := make(chan struct{}), make(chan struct{})
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		d.t.Fatal(err)
	}
	filled := make(chan struct{})
	go func() {
		defer close(done)
		block := make([]byte, 1<<20)
		for first := true; ; {
			n := len(block)
			for n > 0 {
				if _, err := f.Write(block[:n]); errors.Is(err, syscall.ENOSPC) {
					n /= 2
				} else if err != nil {
					d.t.Errorf("fill the disk: %v", err)
					n = 0
				}
				select {
				case <-stop:
					return
				default:
				}
			}
			if first {
				close(filled)
				first = false
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	<-filled
	return func() {
		close(stop)
		<-done
		_ = f.Close()
		if err := os.Remove(name); err != nil {
			d.t.Error(err)
		}
	}
}

// Leave takes so much room that no more than some bytes are free, until the function
// that it returns gives it back.
func (d *SmallDisk) Leave(free int64) (giveBack func()) {
	d.t.Helper()
	var s syscall.Statfs_t
	if err := syscall.Statfs(d.Dir, &s); err != nil {
		d.t.Fatal(err)
	}
	f, err := os.CreateTemp(d.Dir, "filler-*")
	if err != nil {
		d.t.Fatal(err)
	}
	if err := syscall.Fallocate(int(f.Fd()), 0, 0, int64(s.Bavail)*s.Bsize-free); err != nil {
		d.t.Fatal(err)
	}
	return func() {
		if err := errors.Join(f.Close(), os.Remove(f.Name())); err != nil {
			d.t.Error(err)
		}
	}
}
