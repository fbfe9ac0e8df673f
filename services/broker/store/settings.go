package store

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/minio/highwayhash"

	"spool.internal/events/atomicfile"
)

const (
	settingsFile = "meta.inf"
	settingsSum  = "meta.sum"
)

// SettingsSum is the server's checksum of the settings of a stream.
func SettingsSum(stream string, settings []byte) string {
	key := sha256.Sum256([]byte(stream))
	h, err := highwayhash.New64(key[:])
	if err != nil {
		panic(err) // only for a key of another length
	}
	_, _ = h.Write(settings) // a hash takes everything
	return hex.EncodeToString(h.Sum(nil))
}

// settingsOf gives the settings of a stream, "" when they are missing or damaged.
func settingsOf(stream, dir string) string {
	text, err := os.ReadFile(filepath.Join(dir, settingsFile))
	if err != nil {
		return ""
	}
	if sum, err := os.ReadFile(filepath.Join(dir, settingsSum)); err != nil || string(sum) != SettingsSum(stream, text) {
		return ""
	}
	return string(text)
}

// former gives the settings for a stream whose own the server would not open: the copy
// that the note has, or, when only the checksum does not fit, its own; "" = there are none.
func (s *stream) former(k *known) string {
	if k != nil && k.Settings != "" {
		return k.Settings
	}
	text, err := os.ReadFile(filepath.Join(s.dir, settingsFile))
	var named struct {
		Name string `json:"name"`
	}
	if err != nil || json.Unmarshal(text, &named) != nil || named.Name != s.name {
		return ""
	}
	return string(text)
}

// mend puts right what can be without loss.
func (s *stream) mend(k *known, log *slog.Logger) error {
	if settingsOf(s.name, s.dir) == "" {
		log.Warn("the settings of a stream were damaged: they are those of before again, nothing is lost", "stream", s.name, "folder", s.dir)
		if err := writeSettings(s.name, s.dir, s.former(k)); err != nil {
			return err
		}
	}
	return s.mendConsumers(log)
}

func writeSettings(stream, dir, settings string) error {
	return errors.Join(
		atomicfile.Write(filepath.Join(dir, settingsFile), []byte(settings), 0o600),
		atomicfile.Write(filepath.Join(dir, settingsSum), []byte(SettingsSum(stream, []byte(settings))), 0o600),
	)
}

// mendConsumers takes aside what of the consumers of a stream the server could not read.
// It would open the stream without them, and refuse to make them anew.
func (s *stream) mendConsumers(log *slog.Logger) error {
	list, err := os.ReadDir(filepath.Join(s.dir, consumersDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range list {
		dir := filepath.Join(s.dir, consumersDir, e.Name())
		for file, whole := range map[string]func([]byte) bool{settingsFile: json.Valid, "o.dat": wholeState} {
			text, err := os.ReadFile(filepath.Join(dir, file))
			if errors.Is(err, fs.ErrNotExist) || err == nil && whole(text) {
				continue
			}
			if err != nil {
				return err
			}
			aside := filepath.Join(dir, file+".damaged")
			log.Warn("the state of a consumer is damaged: it is made anew, and what it had delivered may come again", "stream", s.name, "consumer", e.Name(), "kept", aside)
			if err := errors.Join(os.Rename(filepath.Join(dir, file), aside), atomicfile.SyncFolder(dir)); err != nil {
				return err
			}
		}
	}
	return nil
}
