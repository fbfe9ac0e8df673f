package runner

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"

	"spool.internal/events"
	"spool.internal/services/runner/place"
)

// resultName is the file in the private folder of a flow whose path is its SPOOL_RESULT.
const resultName = "result.json"

// Bounds on the search for what a flow has left.
const (
	reportFor  = 2 * time.Second
	maxVisited = 10_000                // files and folders
	tick       = 10 * time.Millisecond // by which the clock of a file system can be behind
)

// report adds to the event of an attempt's end what its flow left: the files that it wrote, its result,
// and the digest of its input. When the file system does not answer in time the event goes without.
func (a *attempt) report(ev *events.RunEvent) {
	ctx, cancel := context.WithTimeout(context.Background(), reportFor)
	defer cancel()
	type found struct {
		files  []events.Output
		count  *int
		result []byte
		fault  error
	}
	done := make(chan found, 1)
	look := *a // clear may close what hangs
	go func() {
		var f found
		f.files, f.count = look.outputs(ctx, ev.StartedAt)
		f.result, f.fault = look.result()
		done <- f
	}()
	select {
	case f := <-done:
		ev.Outputs, ev.OutputCount = f.files, f.count
		if f.fault == nil && len(f.result) <= events.MaxReport {
			f.result = []byte(a.hide(string(f.result)))
		}
		if f.fault == nil {
			ev.Result, f.fault = events.ReadReport(f.result)
		}
		for i := range ev.Outputs {
			ev.Outputs[i].Path = a.hide(ev.Outputs[i].Path)
		}
		if f.fault != nil {
			ev.Message = strings.TrimPrefix(ev.Message+"; "+f.fault.Error(), "; ")
		}
	case <-ctx.Done():
	}
	if a.digest == nil || ev.File == nil {
		return
	}
	select {
	case sum := <-a.digest:
		file := *ev.File
		file.SHA256 = sum
		ev.File = &file
	case <-ctx.Done():
	}
}

// hide masks the secrets of the command, which the flow may have written anywhere.
func (a *attempt) hide(text string) string {
	if a.masked == nil {
		return text
	}
	return a.masked.Text(text)
}

// outputs lists the files below the output folder, in the order of their names:
// all of a folder that is the run's own, else those that were written or put there
// since the flow began. The count is nil when not all could be looked at.
func (a *attempt) outputs(ctx context.Context, began time.Time) (files []events.Output, count *int) {
	visited, n := 0, 0
	err := fs.WalkDir(a.output.FS(), ".", func(path string, entry fs.DirEntry, err error) error {
		visited++
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case visited > maxVisited:
			return errors.New("too many")
		case path == events.StageRoot:
			return fs.SkipDir
		case err != nil && entry != nil && path != ".":
			return nil // closed to us, or gone
		case err != nil || !entry.Type().IsRegular():
			return err
		}
		info, err := entry.Info()
		if err != nil || !a.settings.hasRunID && changedAt(info).Before(began.Add(-tick)) {
			return nil
		}
		n++
		files = append(files, events.Output{Path: strings.ToValidUTF8(path, "\ufffd"), Size: info.Size()})
		return nil
	})
	if err == nil {
		count = &n
	}
	return place.Listed(files), count
}

// result reads what the flow left in SPOOL_RESULT, if anything. Only a regular file counts: anything
// else could block the reader.
func (a *attempt) result() ([]byte, error) {
	if a.private.In == nil {
		return nil, nil
	}
	folder, err := a.private.In.OpenRoot(a.private.Name)
	if err != nil {
		return nil, nil // the flow has taken it away
	}
	defer folder.Close()
	info, err := folder.Lstat(resultName)
	if err != nil {
		return nil, nil
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("SPOOL_RESULT is not kept: it is not a file")
	}
	f, err := folder.OpenFile(resultName, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, errors.New("SPOOL_RESULT is not kept: it cannot be read")
	}
	defer f.Close()
	said, err := io.ReadAll(io.LimitReader(f, events.MaxReport+1))
	return []byte(a.masked.Text(string(said))), err
}
