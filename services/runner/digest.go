package runner

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path"

	"spool.internal/events"
)

// digestInput begins to hash the file that a run is about, while the flow starts; the event of its end
// gets the digest. An empty digest means that there is none.
func (r *Runner) digestInput(a *attempt, input *os.File) {
	ref := a.run.File
	if ref == nil || ref.Size > events.MaxDigest {
		return
	}
	a.digest = make(chan string, 1)
	f, err := r.openInput(a.run, input)
	if err != nil {
		a.digest <- ""
		return
	}
	size := ref.Size
	go func() { // it ends with the file
		defer f.Close()
		a.digest <- digest(f, size)
	}()
}

// openInput opens the file that a run is about in its input folder, if the folder
// is the one that the flow gets.
func (r *Runner) openInput(run events.Run, input *os.File) (*os.File, error) {
	p, err := events.ParsePath("input_dir", run.InputDir)
	if err != nil {
		return nil, err
	}
	folder, err := r.drives.OpenDir(p)
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	theirs, err := input.Stat()
	if err != nil {
		return nil, err
	}
	if ours, err := folder.Stat("."); err != nil || !os.SameFile(theirs, ours) {
		return nil, os.ErrNotExist
	}
	file := events.File{Path: run.File.Path, PathB64: run.File.PathB64}
	name := path.Base(file.RawPath())
	if info, err := folder.Lstat(name); err != nil || !info.Mode().IsRegular() {
		return nil, os.ErrNotExist
	}
	return folder.Open(name)
}

// digest is the SHA-256 of a file; "" when the file is not of that size or changes meanwhile.
func digest(f *os.File, size int64) string {
	before, err := f.Stat()
	if err != nil || before.Size() != size {
		return ""
	}
	sum := sha256.New()
	if n, err := io.Copy(sum, io.LimitReader(f, size+1)); err != nil || n != size {
		return ""
	}
	after, err := f.Stat()
	if err != nil || !after.ModTime().Equal(before.ModTime()) || after.Size() != size {
		return ""
	}
	return hex.EncodeToString(sum.Sum(nil))
}
