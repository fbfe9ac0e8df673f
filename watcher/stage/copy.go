package stage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

const (
	copyChunk   = 8 << 20          // is copied before it is checked whether a writer waits
	writerWaits = 10 * time.Second // is how long a writer waits at most for the copy of what it is about to overwrite
	largeFile   = 64 << 20         // from this size on the room is checked before a copy is begun
	smallFile   = 64 << 10         // up to this size a file is copied at once: shared blocks and holes would save less than they cost
)

// CopyTo copies the source to dst, and makes sure that it did not change meanwhile. The error is one of those of
// [Folder.OpenFile], or of dst.
func (s *Source) CopyTo(ctx context.Context, dst *os.File) error {
	if s.stat.Size <= smallFile {
		return s.copySmall(dst)
	}
	if err := clone(dst, s.File); err != nil {
		if err := s.copyParts(ctx, dst); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return s.compare(dst)
}

// copyParts copies part by part, and lets a program that opens the file for writing wait, but not for long.
func (s *Source) copyParts(ctx context.Context, dst *os.File) error {
	if s.stat.Size >= largeFile {
		if err := roomFor(dst, s.File); err != nil {
			return err
		}
	}
	var writer time.Time // when one was first seen to wait
	for ctx.Err() == nil {
		s.activity.Touch()
		n, err := copyPart(dst, s.File, s.stat.Size)
		switch {
		case err == io.EOF:
			return nil
		case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
			return err // the drive's fault, not the file's
		case err != nil:
			return fmt.Errorf("%w: %w", ErrRead, err)
		}
		if s.leased && n > 0 && Contended(s.File) {
			if writer.IsZero() {
				writer = time.Now()
			}
			if time.Since(writer) > writerWaits {
				return ErrWriter
			}
			if err := s.compare(nil); err != nil { // the system has let the writer in
				return err
			}
		}
	}
	return ctx.Err()
}

func (s *Source) copySmall(dst *os.File) error {
	if s.stat.Size > int64(cap(s.buffer)) {
		s.buffer = make([]byte, s.stat.Size)
	}
	content := s.buffer[:s.stat.Size]
	_, err := io.ReadFull(s.File, content)
	switch {
	case err == io.EOF, err == io.ErrUnexpectedEOF:
		return ErrChanged
	case err != nil:
		return fmt.Errorf("%w: %w", ErrRead, err)
	}
	if _, err := dst.Write(content); err != nil {
		return err
	}
	return s.compare(nil)
}

// cloneTo is CopyTo by sharing blocks, where the file system can; else the error is [ErrNoClone].
func (s *Source) cloneTo(dst *os.File) error {
	if err := clone(dst, s.File); err != nil {
		return fmt.Errorf("%w: %w", ErrNoClone, err)
	}
	return s.compare(dst)
}

// compare makes sure that the source is unchanged, and that dst, if it is complete, has its size.
func (s *Source) compare(dst *os.File) error {
	after, err := statOpen(s.File)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRead, err)
	}
	if after.Stat != s.stat.Stat {
		return ErrChanged
	}
	if dst == nil {
		return nil
	}
	copied, err := dst.Stat()
	if err == nil && copied.Size() != s.stat.Size {
		err = ErrChanged
	}
	return err
}
