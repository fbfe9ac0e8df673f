package runner

import (
	"errors"
	"os"
	"path/filepath"
)

// runFolder keeps what belongs to one run on this host. Nothing in it is reached by
// a name that could lead out of it.
type runFolder struct{ root *os.Root }

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
	return runFolder{root}, err
}

// fresh makes an empty folder in it, in the place of what was there.
func (d runFolder) fresh(name string) error {
	return errors.Join(d.root.RemoveAll(name), d.root.Mkdir(name, 0o700))
}

func (d runFolder) open(name string) (*os.File, error) { return d.root.Open(name) }

func (d runFolder) remove(name string) error { return d.root.RemoveAll(name) }

func (d runFolder) close() {
	if d.root != nil {
		_ = d.root.Close()
	}
}
