package backup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"spool.internal/events/atomicfile"
	"spool.internal/services/broker"
	"spool.internal/services/broker/cluster"
	"spool.internal/services/broker/store"
)

// Outcome is what became of a restore, and how the store stands beside the backup.
type Outcome struct {
	*Restored
	Rows  []Row
	Equal bool
}

// ToMachine restores a checked backup into the data folder of one machine, whose server does not run. keys
// are those of the store. When it is cut off, the folder is refused at every start until it was done again.
func ToMachine(ctx context.Context, dataDir string, c *Checked, keys map[string][]byte, in Into) (*Outcome, error) {
	in.Replicas = 1
	if err := vacant(dataDir); err != nil { // before anything is made
		return nil, err
	}
	done, err := fill(ctx, dataDir, c, in, func() error { return prepare(dataDir, in.From, keys) })
	if err != nil {
		return nil, fmt.Errorf("the restore has not come to its end, and the next one begins again: %w", err)
	}
	if !done.Equal {
		return done, nil
	}
	return done, store.EndRestore(dataDir)
}

// prepare makes a data folder, which is locked, one that is being filled, with the keys of its store.
func prepare(dataDir, from string, keys map[string][]byte) error {
	if err := vacant(dataDir); err != nil { // somebody may have been first
		return err
	}
	if err := store.BeginRestore(dataDir, store.Restoring{From: from, Begun: time.Now()}); err != nil {
		return err
	}
	if err := clearHalf(dataDir); err != nil {
		return err
	}
	for name, text := range keys {
		to := filepath.Join(dataDir, name)
		if name == cluster.Keys {
			to = filepath.Join(dataDir, "nats", name)
		}
		if err := atomicfile.Write(to, text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// vacant refuses a data folder with a store in it, other than what a restore that was cut off has left.
func vacant(dataDir string) error {
	if store.HalfRestored(dataDir) != nil {
		return nil
	}
	name, err := holds(dataDir)
	if err == nil && name != "" {
		err = fmt.Errorf("data: %s holds a store already (%s): give an empty folder, or one that is not there", dataDir, name)
	}
	return err
}

// fill restores into a folder, and compares.
func fill(ctx context.Context, dataDir string, c *Checked, in Into, first func() error) (done *Outcome, err error) {
	srv, err := broker.OpenOffline(ctx, dataDir, first)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, srv.Close(context.WithoutCancel(ctx))) }()
	done = &Outcome{}
	if done.Restored, err = Restore(ctx, srv.NATS(), c, in); err != nil {
		return nil, err
	}
	done.Rows, done.Equal, err = Compare(ctx, srv.NATS(), c, done.Restored)
	return done, err
}

// Verify restores a checked backup into a server that listens nowhere, in a folder that is removed again, and
// compares.
func Verify(ctx context.Context, c *Checked, in Into) (done *Outcome, err error) {
	dir, err := os.MkdirTemp("", "spool-verify-")
	if err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	in.Replicas, in.KeepTokens = 1, true
	return fill(ctx, dir, c, in, func() error { return nil })
}
