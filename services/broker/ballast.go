package broker

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"spool.internal/events/reserve"
)

// ballast is a file that does nothing but take room on the disk of the store. It is
// given up when the store has none: what is under way can be brought to its end, and
// the store be closed, in its place. It is made again when the disk has room.
type ballast struct {
	file  string
	tried time.Time
}

// remake is how often a ballast is made that is not there.
const remake = 30 * time.Second

// hold makes the ballast if it is not there and the disk has more room than is to be
// kept free.
func (b *ballast) hold(keep *reserve.Reserve, log *slog.Logger) {
	if time.Since(b.tried) < remake {
		return
	}
	b.tried = time.Now()
	free, total, err := reserve.Room(filepath.Dir(b.file))
	if err != nil {
		return
	}
	size := bulk(total)
	if fi, err := os.Stat(b.file); err == nil && fi.Size() == size || free < keep.Bytes()+2*size {
		return
	}
	if err := b.make(size); err != nil {
		log.Warn("no room can be held in reserve for the store", "file", b.file, "error", err.Error())
	}
}

func (b *ballast) make(size int64) error {
	f, err := os.OpenFile(b.file+".tmp", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	err = allocate(f, size)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return os.Rename(f.Name(), b.file)
}

// giveUp removes the ballast when the disk has no room for what the store writes.
func (b *ballast) giveUp(log *slog.Logger) {
	free, total, err := reserve.Room(filepath.Dir(b.file))
	if err != nil || free > bulk(total)/2 {
		return
	}
	b.tried = time.Now()
	if err := os.Remove(b.file); err == nil {
		log.Warn("the ballast is given up: the disk of the store is full", "file", b.file)
	} else if !errors.Is(err, fs.ErrNotExist) {
		log.Error("the ballast cannot be given up", "file", b.file, "error", err.Error())
	}
}
