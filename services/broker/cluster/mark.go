package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"spool.internal/events"
	"spool.internal/events/atomicfile"
)

// Mark is the file cluster.json of a data folder: which machine's store it is. That of one machine
// alone has none.
type Mark struct {
	ID      string `json:"id"`   // of the cluster
	Name    string `json:"name"` // of the cluster
	Machine string `json:"machine"`
}

const markFile = "cluster.json"

// ReadMark reads the mark of a data folder; nil is that of a store of one machine, or of none.
func ReadMark(dataDir string) (*Mark, error) {
	file := filepath.Join(dataDir, markFile)
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	m := &Mark{}
	if err := json.Unmarshal(text, m); err != nil || m.ID == "" || m.Machine == "" {
		return nil, atomicfile.Damaged(file, text, "it does not say whose store this is", "restore it from your backup, or empty the data folder: a machine of a cluster fetches everything from the others")
	}
	return m, nil
}

// Claim makes a data folder that of a bundle's machine, or, without a bundle, finds it to be no cluster's.
// A folder that is another's stays as it is, and the error says whose it is and what to do.
func Claim(dataDir string, b *Bundle) error {
	m, err := ReadMark(dataDir)
	if err != nil {
		return err
	}
	_, alone := os.Stat(filepath.Join(dataDir, "nats", "keys.json"))
	switch {
	case b == nil && m == nil:
		return nil
	case b == nil:
		return fmt.Errorf("%s holds the store of machine %s of the cluster %s (%s): give its --bundle; to make it a store of one machine, spool backup the cluster and spool restore into an empty folder",
			dataDir, m.Machine, m.Name, m.ID)
	case m == nil && alone == nil:
		return fmt.Errorf("%s holds the store of one machine alone, and none of it would be in the cluster %s: start it without --bundle and spool backup it, then start the machines with empty data folders and spool restore into them",
			dataDir, b.Name)
	case m == nil:
		return atomicfile.Write(filepath.Join(dataDir, markFile), append(events.Encode(Mark{b.ID, b.Name, b.Machine}), '\n'), 0o600)
	case m.ID != b.ID:
		return fmt.Errorf("%s holds the store of the cluster %s (%s), and the bundle is of the cluster %s (%s): give the bundle of that cluster, or another folder to --data",
			dataDir, m.Name, m.ID, b.Name, b.ID)
	case m.Machine != b.Machine:
		return fmt.Errorf("%s holds the store of machine %s, and the bundle is of machine %s: give the bundle of %s, or an empty folder to --data",
			dataDir, m.Machine, b.Machine, m.Machine)
	}
	return nil
}
