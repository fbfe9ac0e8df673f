package runner

import (
	"errors"
	"os"
	"path/filepath"
)

// runFolder keeps what belongs to one run on this host. Nothing in it is reached by
// a name that could lead out of it.
type runFolder struct {
	root *os.Root
	path string // for people, and for the flow
}

// runDir is where the folder of a run lies.
func runDir(dataDir, flowJobID string) string { return filepath.Join(dataDir, "runs", flowJobID) }

// openRunFolder opens the folder of a run, which is made when it is not there.
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
	in   *os.Root // where it lies; nil: it has not been made
	name string   // there
	path string   // for the flow
}

// newPrivate makes it in the folder of the run, or where every user can get at it.
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

// dropPrivate removes what a former attempt, whose flow is dead, has left there:
// secrets of its command can be among it. What stays goes with the log.
func (r *Runner) dropPrivate(flowJobID string) {
	dir, err := openRunFolder(r.cfg.DataDir, flowJobID)
	if err != nil {
		return
	}
	defer dir.close()
	if err := dir.root.RemoveAll("tmp"); err != nil {
		r.log.Warn("a private folder of a flow is left", "path", dir.path, "error", err.Error())
	}
}

func (p privateFolder) open() (*os.File, error) { return p.in.Open(p.name) }

func (p privateFolder) remove() error {
	if p.in == nil {
		return nil
	}
	return p.in.RemoveAll(p.name)
}
