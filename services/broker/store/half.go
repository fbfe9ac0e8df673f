package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"spool.internal/events/atomicfile"
)

// halfFile lies in a data folder for as long as a backup is being restored into it.
const halfFile = "restoring.json"

// Restoring is what a restore says of itself in the folder that it fills.
type Restoring struct {
	From  string    `json:"from"` // the file with the backup
	Begun time.Time `json:"begun"`
}

// BeginRestore says in a data folder that what is in it is not whole. It is on the disk when
// BeginRestore returns.
func BeginRestore(dataDir string, r Restoring) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(dataDir, halfFile), append(text, '\n'), 0o600)
}

// EndRestore says that it is whole from now on.
func EndRestore(dataDir string) error {
	return errors.Join(os.Remove(filepath.Join(dataDir, halfFile)), atomicfile.SyncFolder(dataDir))
}

// HalfRestored says what a restore into a data folder that was cut off has left; nil = nothing was.
func HalfRestored(dataDir string) *Restoring {
	text, err := os.ReadFile(filepath.Join(dataDir, halfFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	r := &Restoring{}
	_ = json.Unmarshal(text, r) // that it is there says enough
	return r
}

// RefuseHalf refuses a data folder that a restore has not filled to its end.
func RefuseHalf(dataDir string) error {
	r := HalfRestored(dataDir)
	if r == nil {
		return nil
	}
	return fmt.Errorf("the restore of %s into %s, begun at %s, was cut off, so the store is not whole: begin it again: spool restore %s --data %s",
		r.From, dataDir, r.Begun.UTC().Format(time.RFC3339), r.From, dataDir)
}
