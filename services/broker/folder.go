package broker

import (
	"context"
	"log/slog"
	"sync/atomic"

	"spool.internal/events/wait"
	"spool.internal/services/broker/store"
)

// Folder is the data folder of a role that is a process of its own.
type Folder struct {
	place *store.Place
	log   *slog.Logger
	lost  atomic.Pointer[Lost]
}

// WatchFolder begins to watch a data folder, which must exist.
func WatchFolder(dataDir string, log *slog.Logger) (*Folder, error) {
	place, err := store.NewFolder(dataDir)
	return &Folder{place: place, log: log}, err
}

// Check reports that the folder was taken away.
func (f *Folder) Check() error {
	if lost := f.lost.Load(); lost != nil {
		return lost
	}
	return nil
}

// Run watches the folder until ctx ends. When the folder is taken away Check reports it, and Run
// returns [*Lost] 20 s later.
func (f *Folder) Run(ctx context.Context) error {
	defer f.place.Close() //nolint:errcheck // nothing was written through it
	for wait.Sleep(ctx, lookEvery) == nil {
		if err := f.place.Look(); err != nil {
			return sayLost(ctx, &f.lost, f.log, err)
		}
	}
	return nil
}
