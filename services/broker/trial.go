package broker

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"spool.internal/events/reserve"
)

// What must be there before the store is opened anew: so much room that can be
// written and synced, a little more, and file descriptors.
const (
	trialSize   = 64 << 20
	descriptors = 64
)

// bulk is the size of the trial and of the ballast on a disk of so many bytes: less on
// one that is small.
func bulk(total int64) int64 { return min(trialSize, total/16) }

// enough says, at little cost, what is still short.
func enough(dir string) error {
	free, total, err := reserve.Room(dir)
	if err != nil {
		return err
	}
	size := bulk(total)
	if need := size + size/4; free < need {
		return fmt.Errorf("the disk of %s has %d bytes free, and %d are needed", dir, free, need)
	}
	var open []*os.File
	for range descriptors {
		var f *os.File
		if f, err = os.Open(dir); err != nil {
			break
		}
		open = append(open, f)
	}
	for _, f := range open {
		_ = f.Close() // nothing was written
	}
	return err
}

// trial writes and syncs as much as the store may need soon: what the system says of
// free room leaves out quotas and faults of the disk.
func trial(dir string) error {
	_, total, err := reserve.Room(dir)
	if err != nil {
		return err
	}
	name := filepath.Join(dir, ".trial")
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	err = writeOut(f, bulk(total))
	return errors.Join(err, f.Close(), os.Remove(name))
}

// writeOut writes so many bytes that no file system can leave out, and syncs them.
func writeOut(f *os.File, size int64) error {
	block := make([]byte, 1<<20)
	for i := range block {
		block[i] = byte(i)
	}
	for left := size; left > 0; left -= int64(len(block)) {
		if _, err := f.Write(block[:min(left, int64(len(block)))]); err != nil {
			return err
		}
	}
	return f.Sync()
}
