package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// partEnding ends the name of a large file that is being written, and partAge is how old one that a killed
// process has left is when the next one removes it.
const (
	partEnding = ".partial"
	partAge    = 24 * time.Hour
)

// Stream is [Write] for what does not fit into memory: write is given the file, which has another name until
// all of it is on the disk. It is readable by its owner only.
func Stream(file string, write func(io.Writer) error) error {
	dir, base := filepath.Split(file)
	if dir == "" {
		dir = "."
	}
	if info, err := os.Stat(file); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("write %s: it is no file", file)
	}
	sweepParts(dir, base)
	part, err := os.CreateTemp(dir, "."+base+"-*"+partEnding)
	if err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	err = write(part)
	if err = errors.Join(err, part.Sync(), part.Close()); err == nil {
		err = os.Rename(part.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(part.Name()))
	}
	return SyncFolder(dir)
}

func sweepParts(dir, base string) {
	old, _ := filepath.Glob(filepath.Join(dir, "."+base+"-*"+partEnding)) // a name with [ in it leaves its parts
	for _, part := range old {
		if info, err := os.Lstat(part); err == nil && info.Mode().IsRegular() && time.Since(info.ModTime()) > partAge {
			_ = os.Remove(part) // it stays until the next time
		}
	}
}
