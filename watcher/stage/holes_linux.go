package stage

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// copyPart copies the next part of src, at most copyChunk, and leaves holes as holes: a file can be larger than its
// disk. size is that of src. At the end it returns io.EOF.
func copyPart(dst, src *os.File, size int64) (int64, error) {
	at, err := src.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0, err
	}
	data, err := src.Seek(at, unix.SEEK_DATA)
	if errors.Is(err, unix.ENXIO) { // nothing but a hole, if anything, from here on
		if err := dst.Truncate(size); err != nil {
			return 0, err
		}
		return 0, io.EOF
	}
	if err != nil { // the file system does not say
		return io.CopyN(dst, src, copyChunk)
	}
	end, err := src.Seek(data, unix.SEEK_HOLE)
	if err != nil {
		return 0, err
	}
	for _, f := range []*os.File{src, dst} {
		if _, err := f.Seek(data, io.SeekStart); err != nil {
			return 0, err
		}
	}
	return io.CopyN(dst, src, min(copyChunk, end-data))
}
