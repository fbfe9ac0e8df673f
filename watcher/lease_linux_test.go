package watcher_test

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"spool.internal/events/eventstest"
)

// A writer that keeps a file open or mapped without touching it is seen by
// nothing but the lease.
func TestHeldByWriter(t *testing.T) {
	tests := []struct {
		name string
		hold func(t *testing.T, f *os.File) (release func())
	}{
		{"open", func(t *testing.T, f *os.File) func() { return func() { f.Close() } }},
		{"mapped", func(t *testing.T, f *os.File) func() {
			m, err := unix.Mmap(int(f.Fd()), 0, 4, unix.PROT_WRITE, unix.MAP_SHARED)
			if err != nil {
				t.Fatal(err)
			}
			f.Close()
			return func() {
				copy(m, "last")
				if err := unix.Munmap(m); err != nil {
					t.Error(err)
				}
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newHarness(t, eventstest.Options{})
			dir := r.dir("in")
			f, err := os.Create(filepath.Join(dir, "held"))
			r.check(err)
			_, err = f.WriteString("last")
			r.check(err)
			release := tt.hold(t, f)
			r.job("job", "in", nil)
			r.start()
			if got := r.settled("job", dir, 0); len(got) != 0 {
				t.Fatalf("taken from a writer: %+v", got)
			}
			release()
			for _, tr := range r.await("job", 2) {
				if got := r.staged(tr); got != "last" {
					t.Errorf("%s: staged %q", tr.File.Path, got)
				}
			}
		})
	}
}

func TestFIFOIsNeverOpened(t *testing.T) {
	r := newHarness(t, eventstest.Options{})
	dir := r.dir("in")
	r.check(unix.Mkfifo(filepath.Join(dir, "fifo"), 0o644))
	r.job("job", "in", nil)
	r.start()
	r.settled("job", dir, 0)
	// A writer that does not wait finds nobody who reads.
	fd, err := unix.Open(filepath.Join(dir, "fifo"), unix.O_WRONLY|unix.O_NONBLOCK, 0)
	if err != unix.ENXIO {
		unix.Close(fd)
		t.Errorf("somebody has the FIFO open: %v", err)
	}
}
