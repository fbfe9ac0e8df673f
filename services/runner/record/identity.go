package record

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/uuid"

	"spool.internal/events/atomicfile"
)

// Identity gives the id of a data folder, and makes one where it has none: it says where the logs of
// runs lie, whatever the host is called and however often the runner starts.
func Identity(dataDir string) (string, error) {
	file := filepath.Join(dataDir, "runner.id")
	text, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if id, err := uuid.Parse(strings.TrimSpace(string(text))); err == nil {
		return id.String(), nil
	}
	id := uuid.NewString() // also in the place of one that cannot be read: logs of before are then not found
	return id, atomicfile.Write(file, []byte(id+"\n"), 0o600)
}
