package backup

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"spool.internal/events/atomicfile"
	"spool.internal/events/seal"
	"spool.internal/services/broker/cluster"
)

// shared are the files of keys that any store can be restored with.
var shared = []string{cluster.Keys, cluster.SealKey, cluster.AdminToken, cluster.WebhookSecret, cluster.RunnerSecret}

// ReadKeys reads the files of keys of a store: out of its data folder, or out of the bundle of a machine,
// whichever dir is. One that is not there is left out.
func ReadKeys(dir string) (map[string][]byte, error) {
	found := map[string][]byte{}
	for _, name := range cluster.Files() {
		for _, file := range []string{filepath.Join(dir, name), filepath.Join(dir, "nats", name)} {
			text, err := os.ReadFile(file)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, fmt.Errorf("keys: %w", err)
			}
			if err == nil {
				found[name] = text
			}
		}
	}
	return found, nil
}

// ShareKeys gives those that belong to no machine.
func ShareKeys(all map[string][]byte) map[string][]byte {
	of := map[string][]byte{}
	for _, name := range shared {
		if text, there := all[name]; there {
			of[name] = text
		}
	}
	return of
}

// OldKeys reads what belongs to no machine out of the data folder, the bundle or a copy of the keys of a
// store, which must have its seal key.
func OldKeys(dir string) (map[string][]byte, error) {
	found, err := ReadKeys(dir)
	if err != nil {
		return nil, err
	}
	if _, there := found[cluster.SealKey]; !there {
		return nil, fmt.Errorf("keys: %s has no %s, which secrets of jobs are sealed with: give the data folder or the bundle of the store, or what spool backup keys made", dir, cluster.SealKey)
	}
	return ShareKeys(found), nil
}

// Fits refuses keys that are not those of the store that a backup is of; where says where they were looked
// for.
func (c *Checked) Fits(keys map[string][]byte, where string) error {
	if c.Store.SealKey == "" {
		return nil // no secret was ever stored
	}
	text, there := keys[cluster.SealKey]
	if !there {
		return fmt.Errorf("%s is needed, with the key %s: secrets of jobs in the backup are sealed with it, and %s has none; give by --bundle the bundle, the data folder, or a copy of its keys, that was there when the backup was made",
			cluster.SealKey, c.Store.SealKey, where)
	}
	key, ok := seal.Parse(text)
	if !ok {
		return fmt.Errorf("%s of %s holds no seal key: give by --bundle a folder with the key %s", cluster.SealKey, where, c.Store.SealKey)
	}
	if id := key.Public.ID(); id != c.Store.SealKey {
		return fmt.Errorf("%s of %s is the key %s, but secrets of jobs in the backup are sealed with %s: give by --bundle a folder with that key", cluster.SealKey, where, id, c.Store.SealKey)
	}
	return nil
}

// Other refuses to restore into the very cluster that the backup is of: machines of before could join it.
func (c *Checked) Other(b *cluster.Bundle) error {
	if c.Store.ID == "" || c.Store.ID != b.ID {
		return nil
	}
	return fmt.Errorf("the bundle is of the cluster %s (%s), which the backup is of, so machines with what was stored since could join: make a new one by spool cluster init --restore", b.Name, b.ID)
}

// Of reads the cluster of a bundle that a backup is of.
func Of(keys map[string][]byte) (of cluster.Of) {
	_ = json.Unmarshal(keys[cluster.Settings], &of) // a store of one machine has none
	return of
}

// WriteKeys writes the keys that a backup holds into a new folder.
func (c *Checked) WriteKeys(dir string) (names []string, err error) {
	if len(c.KeyFiles) == 0 {
		return nil, errors.New("the backup has no keys in it: only one that is encrypted has")
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, fmt.Errorf("output: %w", err)
	}
	for _, k := range c.Keys {
		if err := atomicfile.Write(filepath.Join(dir, k.Name), c.KeyFiles[k.Name], 0o600); err != nil {
			return nil, err
		}
		names = append(names, k.Name)
	}
	return names, nil
}
