package drive

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"spool.internal/events"
)

// What it costs to open a folder, beside opening its name below the drive, and
// where a link is on the way.
func BenchmarkOpenDir(b *testing.B) {
	d, err := New(b.TempDir(), nil)
	if err != nil {
		b.Fatal(err)
	}
	if err := d.Guard(b.TempDir()); err != nil {
		b.Fatal(err)
	}
	p := events.Path{Drive: "a/b/fs/D"}
	dir, err := d.Create(p.Join("in/deep"))
	if err == nil {
		err = errors.Join(dir.Close(), os.Symlink("in", filepath.Join(d.HostPath(p), "link")))
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Run("judged", func(b *testing.B) {
		for b.Loop() {
			dir, err := d.OpenDir(p.Join("in/deep"))
			if err != nil {
				b.Fatal(err)
			}
			_ = dir.Close()
		}
	})
	b.Run("through a link", func(b *testing.B) {
		for b.Loop() {
			dir, err := d.OpenDir(p.Join("link/deep"))
			if err != nil {
				b.Fatal(err)
			}
			_ = dir.Close()
		}
	})
	b.Run("floor", func(b *testing.B) {
		for b.Loop() {
			root, err := os.OpenRoot(d.HostPath(p))
			if err != nil {
				b.Fatal(err)
			}
			dir, err := root.OpenRoot("in/deep")
			if err != nil {
				b.Fatal(err)
			}
			_, _ = dir.Close(), root.Close()
		}
	})
}
