package record

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"
)

// Folder keeps what belongs to one run on this host. Everything in it is opened below root,
// so that no link leads out of it.
type Folder struct {
	Root *os.Root
	Path string // for messages, and for the flow
}

// Dir is the path of the folder of a run.
func Dir(dataDir, flowJobID string) string { return filepath.Join(dataDir, "runs", flowJobID) }

// Open opens the folder of a run, and makes it when it does not exist.
func Open(dataDir, flowJobID string) (Folder, error) {
	if err := os.MkdirAll(filepath.Join(dataDir, "runs"), 0o700); err != nil {
		return Folder{}, err
	}
	runs, err := os.OpenRoot(filepath.Join(dataDir, "runs"))
	if err != nil {
		return Folder{}, err
	}
	defer runs.Close()
	if err := runs.MkdirAll(flowJobID, 0o700); err != nil {
		return Folder{}, err
	}
	root, err := runs.OpenRoot(flowJobID)
	return Folder{root, Dir(dataDir, flowJobID)}, err
}

func (d Folder) Close() {
	if d.Root != nil {
		_ = d.Root.Close()
	}
}

// Private is HOME and TMPDIR of an attempt.
type Private struct {
	In   *os.Root // the folder it lies in; nil: it has not been made
	Name string   // its name there
	Path string   // its whole path, for the flow
}

// NewPrivate makes one in the folder of the run, or in the system's folder for temporary files
// when it has to be reachable for a flow that is another user.
func NewPrivate(dir Folder, reachable bool) (p Private, err error) {
	if !reachable {
		p = Private{dir.Root, "tmp", filepath.Join(dir.Path, "tmp")}
		return p, errors.Join(p.In.RemoveAll(p.Name), p.In.Mkdir(p.Name, 0o700))
	}
	if p.Path, err = os.MkdirTemp("", "spool-flow-"); err != nil {
		return p, err
	}
	p.Name = filepath.Base(p.Path)
	p.In, err = os.OpenRoot(os.TempDir())
	return p, err
}

// DropPrivate removes the private folder that an earlier attempt, whose flow is dead, has left:
// it can hold secrets of its command. One that stays goes with the log.
func DropPrivate(dataDir, flowJobID string) (path string, err error) {
	dir, err := Open(dataDir, flowJobID)
	if err != nil {
		return "", nil
	}
	defer dir.Close()
	return dir.Path, dir.Root.RemoveAll("tmp")
}

func (p Private) Open() (*os.File, error) { return p.In.Open(p.Name) }

func (p Private) Remove() error {
	if p.In == nil {
		return nil
	}
	return p.In.RemoveAll(p.Name)
}

// Chown gives a file of the private folder, or a folder and what lies in it, to a user.
func (p Private) Chown(name string, uid, gid int) error {
	if err := p.In.Lchown(name, uid, gid); err != nil {
		return err
	}
	f, err := p.In.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	names, _ := f.Readdirnames(-1) // a file has none
	for _, inner := range names {
		err = errors.Join(err, p.In.Lchown(filepath.Join(name, inner), uid, gid))
	}
	return err
}

// stopsFile lies beside the log of a run and has a line for each attempt that its runner gave
// up alive. It is a file and not an event because a runner that stops may have lost the broker
// already.
const stopsFile = "stops"

// NoteStop notes that an attempt did not end although its runner did not die.
func (d Folder) NoteStop(attempt int) error {
	file, err := d.Root.OpenFile(stopsFile, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(file, attempt)
	return errors.Join(err, file.Close())
}

// Stops counts the attempts for which noteStop was called.
func (d Folder) Stops() (int, error) {
	text, err := d.Root.ReadFile(stopsFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	stops := map[string]bool{}
	for line := range bytes.Lines(text) {
		stops[string(line)] = true
	}
	return len(stops), nil
}

// ForgetOld removes the folders of runs whose logs were not written to since before, but for
// those that are in use. It stops early, without an error, when ctx ends.
func ForgetOld(ctx context.Context, dataDir string, before time.Time, inUse func(flowJobID string) bool) error {
	dir := filepath.Join(dataDir, "runs")
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if ctx.Err() != nil {
			return nil
		}
		if uuid.Validate(e.Name()) != nil { // not a run's
			continue
		}
		used := inUse(e.Name())
		info, statErr := os.Stat(filepath.Join(dir, e.Name(), "run.log"))
		if errors.Is(statErr, fs.ErrNotExist) {
			info, statErr = e.Info()
		}
		if statErr != nil || used || !info.ModTime().Before(before) {
			continue
		}
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	return err
}
