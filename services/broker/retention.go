package broker

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"spool.internal/events/atomicfile"
	"spool.internal/events/faultpoint"
	"spool.internal/events/jet"
	"spool.internal/services/broker/store"
)

// What lies in the folder of a stream: its settings and their checksum, as the
// server writes them, and, while we change them, what they are to become.
const (
	streamMeta    = "meta.inf"
	streamSum     = "meta.sum"
	streamJournal = "spool-retention.json"
)

// keepAcked changes the retention of FILES in a store of an older Spool, before
// the server opens it: an ack took a file out of the stream then, which now whoever
// acked does. The server changes the retention of no work queue, and a copy of
// the ledger would need its space twice, so the stream's settings are changed where
// they lie. Its messages and consumers stay as they are. A process that dies on
// the way leaves a journal, from which the next start goes on.
func keepAcked(dir string) error {
	dirs, err := filepath.Glob(filepath.Join(dir, "jetstream", "*", "streams", jet.FilesStream))
	if err != nil {
		return fmt.Errorf("streams of the store: %w", err)
	}
	for _, dir := range dirs {
		if err := keepAckedIn(dir); err != nil {
			return fmt.Errorf("bring the stream %s to its new form in %s: %w", jet.FilesStream, dir, err)
		}
	}
	return nil
}

func keepAckedIn(dir string) error {
	journal := filepath.Join(dir, streamJournal)
	meta, err := os.ReadFile(journal)
	if errors.Is(err, fs.ErrNotExist) {
		if meta, err = otherRetention(dir); meta == nil {
			return err
		}
		err = atomicfile.Write(journal, meta, 0o600)
	}
	if err != nil {
		return err
	}
	faultpoint.Hit(faultpoint.StoreJournal)
	if err := atomicfile.Write(filepath.Join(dir, streamMeta), meta, 0o600); err != nil {
		return err
	}
	faultpoint.Hit(faultpoint.StoreMeta)
	if err := atomicfile.Write(filepath.Join(dir, streamSum), []byte(store.SettingsSum(jet.FilesStream, meta)), 0o600); err != nil {
		return err
	}
	faultpoint.Hit(faultpoint.StoreSum)
	return errors.Join(os.Remove(journal), atomicfile.SyncFolder(dir))
}

// otherRetention gives the settings that a stream is to have; nil when it has them,
// or when its settings are damaged, of which the server speaks.
func otherRetention(dir string) ([]byte, error) {
	meta, err := os.ReadFile(filepath.Join(dir, streamMeta))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	want := store.SettingsSum(jet.FilesStream, meta)
	if had, err := os.ReadFile(filepath.Join(dir, streamSum)); err != nil || string(had) != want {
		return nil, nil
	}
	settings := map[string]json.RawMessage{}
	if err := json.Unmarshal(meta, &settings); err != nil {
		return nil, nil
	}
	if string(settings["retention"]) != `"workqueue"` {
		return nil, nil
	}
	settings["retention"] = json.RawMessage(`"limits"`)
	return json.Marshal(settings)
}
