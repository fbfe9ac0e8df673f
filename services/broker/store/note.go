package store

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"spool.internal/events/atomicfile"
)

// noteFile lies in the data folder, not in that of the server: so that the note is
// there when the server's folder is gone.
const noteFile = "store.json"

// note is what is known to be in the store. Its file has a line with the SHA-256 of the rest.
type note struct {
	Written  time.Time         `json:"written"`
	Closed   bool              `json:"closed"`  // the store was closed in order, and nothing was written since
	Durable  bool              `json:"durable"` // the server syncs each message before the next
	Boot     string            `json:"boot"`    // of the system; "" = not known
	Streams  map[string]*known `json:"streams"`
	Jobs     *JobsKnown        `json:"jobs,omitzero"`
	Accepted []Acceptance      `json:"accepted,omitzero"`
}

// known is what is known of a stream.
type known struct {
	Last     uint64           `json:"last"`              // everything up to this sequence is on the disk, or was removed
	Settings string           `json:"settings,omitzero"` // as the server keeps them
	Blocks   map[string]int64 `json:"blocks,omitzero"`   // size of each, when closed
}

// Acceptance is a loss that somebody has accepted.
type Acceptance struct {
	At    time.Time `json:"at"`
	Lost  []string  `json:"lost"`  // in words
	Kept  string    `json:"kept"`  // the folder with copies of what was damaged
	Done  bool      `json:"done"`  // what could not be read is out
	Begun bool      `json:"begun"` // a start has said so in its log
}

// readNote reads the note of a data folder; nil when there is none.
func readNote(dataDir string) (*note, error) {
	file := filepath.Join(dataDir, noteFile)
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read what is known of the store: %w", err)
	}
	sum, rest, _ := strings.Cut(string(text), "\n")
	n := &note{}
	if sum != sumOf(rest) || json.Unmarshal([]byte(rest), n) != nil {
		return nil, atomicfile.Damaged(file, text, "it does not say what is in the store", "restore it from your backup of the data folder, all of which is to be of one time, or remove it, and the next start takes the store as it finds it")
	}
	return n, nil
}

// Noted reports that something is known of the store of a data folder.
func Noted(dataDir string) bool {
	_, err := os.Stat(filepath.Join(dataDir, noteFile))
	return err == nil
}

func (n *note) write(dataDir string) error {
	text, err := json.Marshal(n)
	if err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(dataDir, noteFile), []byte(sumOf(string(text))+"\n"+string(text)), 0o600)
}

// inOrder reports that what was written last is on the disk in the order in which it was
// written: because it was synced, or because the system has not stopped since.
func (n *note) inOrder() bool { return n != nil && (n.Durable || n.Boot != "" && n.Boot == boot()) }

// boot names this run of the system.
var boot = sync.OnceValue(func() string {
	id, _ := os.ReadFile("/proc/sys/kernel/random/boot_id") // other systems have none
	return strings.TrimSpace(string(id))
})

func sumOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
