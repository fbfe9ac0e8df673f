package runner

import (
	"errors"
	"io"
	"os"

	"spool.internal/events"
)

// errSuperseded refuses a file that was rewritten in its stage, which can be a
// link to it, and ends a run whose file was rewritten before it began.
var errSuperseded = events.Faultf(events.Conflict, "",
	"superseded (rewritten): the file has changed since it was taken; its new content has a trigger of its own")

// asTaken checks whether the one file in a folder still looks as it did when it was taken (see
// [events.File.Look]). An empty look means that the file cannot change. The error is errSuperseded,
// another [events.Error], or a fault that may pass.
func (r *Runner) asTaken(input events.Path, look string) error {
	if look == "" {
		return nil
	}
	root, err := r.drives.OpenDir(input)
	if err != nil {
		return r.cannot(events.NotFound, "input_dir", input, err)
	}
	now, err := lookOf(root)
	if err = errors.Join(err, root.Close()); err != nil {
		return err
	}
	if now != look {
		return errSuperseded
	}
	return nil
}

func (r *Runner) inputAsTaken(run events.Run) error {
	p, err := events.ParsePath("input_dir", run.InputDir)
	if err != nil {
		return err
	}
	return r.asTaken(p, run.InputLook)
}

// theFile gives the name of the one file in the input folder of a run; of more or
// fewer it is "".
func (r *Runner) theFile(run events.Run) (string, error) {
	p, err := events.ParsePath("input_dir", run.InputDir)
	if err != nil {
		return "", err
	}
	root, err := r.drives.OpenDir(p)
	if err != nil {
		return "", r.cannot(events.NotFound, "input_dir", p, err)
	}
	defer root.Close()
	dir, err := root.Open(".")
	if err != nil {
		return "", err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(2)
	if len(names) != 1 || err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return names[0], nil
}

// lookOf gives the look of the one file in a folder; of more or fewer it is "".
func lookOf(root *os.Root) (string, error) {
	dir, err := root.Open(".")
	if err != nil {
		return "", err
	}
	defer dir.Close()
	entries, err := dir.ReadDir(-1)
	if err != nil || len(entries) != 1 {
		return "", err
	}
	info, err := root.Lstat(entries[0].Name())
	if err != nil {
		return "", err
	}
	file := events.File{Size: info.Size(), ModifiedNS: info.ModTime().UnixNano(), Linked: true}
	return file.Look(), nil
}
