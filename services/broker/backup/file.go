package backup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// own are the files and folders of a data folder that hold a store and its keys. The drives may lie beside
// them.
var own = []string{
	"nats", "store.json", "cluster.json", "seal.key", "admin.token", "admin.token.former", "webhook.secret", "runner.secret", "damaged", "ballast", "control.sock",
	"gateway.creds", "cron.creds", "watcher.creds", "dispatcher.creds", "runner.creds",
}

// holds says what of a store is in a data folder; "" = nothing.
func holds(dataDir string) (string, error) {
	for _, name := range own {
		_, err := os.Lstat(filepath.Join(dataDir, name))
		if err == nil {
			return name, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("data: %w", err)
		}
	}
	return "", nil
}

// clearHalf removes what a restore that was cut off has left.
func clearHalf(dataDir string) error {
	var errs []error
	for _, name := range own {
		errs = append(errs, os.RemoveAll(filepath.Join(dataDir, name)))
	}
	return errors.Join(errs...)
}
