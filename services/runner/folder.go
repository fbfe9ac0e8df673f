package runner

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

// runFolder keeps what belongs to one run on this host. Everything in it is opened below root,
// so that no link leads out of it.
type runFolder struct {
	root *os.Root
	path string // for messages, and for the flow
}

// runDir is the path of the folder of a run.
func runDir(dataDir, flowJobID string) string { return filepath.Join(dataDir, "runs", flowJobID) }

// openRunFolder opens the folder of a run, and makes it when it does not exist.
func openRunFolder(dataDir, flowJobID string) (runFolder, error) {
	if err := os.MkdirAll(filepath.Join(dataDir, "runs"), 0o700); err != nil {
		return runFolder{}, err
	}
	runs, err := os.OpenRoot(filepath.Join(dataDir, "runs"))
	if err != nil {
		return runFolder{}, err
	}
	defer runs.Close()
	if err := runs.MkdirAll(flowJobID, 0o700); err != nil {
		return runFolder{}, err
	}
	root, err := runs.OpenRoot(flowJobID)
	return runFolder{root, runDir(dataDir, flowJobID)}, err
}

func (d runFolder) close() {
	if d.root != nil {
		_ = d.root.Close()
	}
}

// privateFolder is HOME and TMPDIR of an attempt.
type privateFolder struct {
	in   *os.Root // the folder it lies in; nil: it has not been made
	name string   // its name there
	path string   // its whole path, for the flow
}

// newPrivate makes one in the folder of the run, or in the system's folder for temporary files
// when it has to be reachable for a flow that is another user.
func newPrivate(dir runFolder, reachable bool) (p privateFolder, err error) {
	if !reachable {
		p = privateFolder{dir.root, "tmp", filepath.Join(dir.path, "tmp")}
		return p, errors.Join(p.in.RemoveAll(p.name), p.in.Mkdir(p.name, 0o700))
	}
	if p.path, err = os.MkdirTemp("", "spool-flow-"); err != nil {
		return p, err
	}
	p.name = filepath.Base(p.path)
	p.in, err = os.OpenRoot(os.TempDir())
	return p, err
}

// dropPrivate removes the private folder that an earlier attempt, whose flow is dead, has left:
// it can hold secrets of its command. One that stays goes with the log.
func dropPrivate(dataDir, flowJobID string) (path string, err error) {
	dir, err := openRunFolder(dataDir, flowJobID)
	if err != nil {
		return "", nil
	}
	defer dir.close()
	return dir.path, dir.root.RemoveAll("tmp")
}

func (p privateFolder) open() (*os.File, error) { return p.in.Open(p.name) }

func (p privateFolder) remove() error {
	if p.in == nil {
		return nil
	}
	return p.in.RemoveAll(p.name)
}

// chown gives a file of the private folder, or a folder and what lies in it, to a user.
func (p privateFolder) chown(name string, uid, gid int) error {
	if err := p.in.Lchown(name, uid, gid); err != nil {
		return err
	}
	f, err := p.in.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	names, _ := f.Readdirnames(-1) // a file has none
	for _, inner := range names {
		err = errors.Join(err, p.in.Lchown(filepath.Join(name, inner), uid, gid))
	}
	return err
}

// stopsFile lies beside the log of a run and has a line for each attempt that its runner gave
// up alive. It is a file and not an event because a runner that stops may have lost the broker
// already.
const stopsFile = "stops"

// noteStop notes that an attempt did not end although its runner did not die.
func (d runFolder) noteStop(attempt int) error {
	file, err := d.root.OpenFile(stopsFile, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(file, attempt)
	return errors.Join(err, file.Close())
}

// stops counts the attempts for which noteStop was called.
func (d runFolder) stops() (int, error) {
	text, err := d.root.ReadFile(stopsFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	stops := map[string]bool{}
	for line := range bytes.Lines(text) {
		stops[string(line)] = true
	}
	return len(stops), nil
}

// forgetOld removes the folders of runs whose logs were not written to since before, but for
// those that are in use. It stops early, without an error, when ctx ends.
func forgetOld(ctx context.Context, dataDir string, before time.Time, inUse func(flowJobID string) bool) error {
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
