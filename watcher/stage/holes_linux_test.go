package stage

import (
	"bytes"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// A copy has the content of its file, and no more blocks.
func TestCopyKeepsHoles(t *testing.T) {
	for name, c := range map[string]struct {
		size int64
		data []int64 // where there is some
	}{
		"empty":           {0, nil},
		"small":           {smallFile, []int64{100}},
		"all hole":        {64 << 20, nil},
		"a hole before":   {64<<20 + 3, []int64{64 << 20}},
		"a hole after":    {64 << 20, []int64{0}},
		"holes in it":     {64 << 20, []int64{0, 9 << 20, 40 << 20}},
		"more than chunk": {copyChunk + 5, []int64{0, copyChunk}},
	} {
		t.Run(name, func(t *testing.T) {
			o, root, _ := openTest(t, "")
			path := filepath.Join(root, "in", "f")
			f, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, at := range c.data {
				if _, err := f.WriteAt([]byte("end"), at); err != nil {
					t.Fatal(err)
				}
			}
			if err := f.Truncate(c.size); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			s, err := o.Stat("f")
			if err != nil {
				t.Fatal(err)
			}
			src, err := o.OpenFile("f", s.Stat, true)
			if err != nil {
				t.Fatal(err)
			}
			defer src.Close()
			dst, err := os.Create(filepath.Join(root, "copy"))
			if err != nil {
				t.Fatal(err)
			}
			defer dst.Close()
			if err := src.CopyTo(t.Context(), dst); err != nil {
				t.Fatal(err)
			}
			want, err1 := os.ReadFile(path)
			got, err2 := os.ReadFile(dst.Name())
			if err1 != nil || err2 != nil || !bytes.Equal(want, got) {
				t.Errorf("the copy differs (%v, %v)", err1, err2)
			}
			info, err := dst.Stat()
			if err != nil {
				t.Fatal(err)
			}
			if used := info.Sys().(*syscall.Stat_t).Blocks * 512; used > 1<<20 {
				t.Errorf("the copy takes %d bytes of disk", used)
			}
		})
	}
}
