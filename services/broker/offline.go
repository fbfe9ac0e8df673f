package broker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"

	"spool.internal/services/broker/cluster"
	"spool.internal/services/broker/store"
)

// Offline is the NATS server of a data folder whose Spool does not run, for as long as something is
// copied out of its store or into it. It listens nowhere, and nothing of Spool works on it: no
// stream is made or changed, nothing is fired.
type Offline struct {
	Admin
	b       *Broker
	keeper  *store.Keeper
	release func() error
}

// offlineStore is what the streams may hold together while they are copied: what they hold was let
// in by another server.
const offlineStore = 1 << 60

// OpenOffline starts the server of a data folder, which it locks. Nothing is synced before Close.
// A folder that is to be filled may be without a store: fill is called first, once it is locked, and keys
// are made where there are none.
func OpenOffline(ctx context.Context, dataDir string, fill func() error) (_ *Offline, err error) {
	o := &Offline{}
	if o.release, err = Lock(dataDir); err != nil {
		return nil, err
	}
	if fill != nil {
		err = fill()
	} else {
		err = errors.Join(store.RefuseHalf(dataDir), cluster.Claim(dataDir, nil))
	}
	if err == nil {
		err = o.open(ctx, dataDir, fill != nil)
	}
	if err != nil {
		return nil, errors.Join(err, o.Close(ctx))
	}
	return o, nil
}

func (o *Offline) open(ctx context.Context, dataDir string, fill bool) (err error) {
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil)) // what fails is returned
	o.b = &Broker{cfg: Config{DataDir: dataDir, Durability: Interval, MaxStore: offlineStore, Log: quiet}, srv: &current{}}
	if fill {
		o.keys, err = loadKeys(dataDir, nil)
	} else {
		o.keys, err = controlKeys(dataDir, "")
	}
	if err != nil {
		return err
	}
	if o.b.opts, err = options(o.b.cfg, filepath.Join(dataDir, "nats")); err != nil {
		return err
	}
	o.b.opts.SyncInterval = time.Hour
	if o.b.accounts, err = o.keys.trust(o.b.opts, never); err != nil {
		return err
	}
	creds, err := userOf(o.keys.Account, "", "spool-offline", time.Time{})
	if err != nil {
		return err
	}
	if err := o.b.checkStore(); err != nil {
		return err
	}
	if err := o.b.openStore(); err != nil {
		return err
	}
	if o.home, err = nats.Connect("", nats.InProcessServer(o.b.srv), nats.UserCredentialBytes(creds), nats.Name("spool-offline"), nats.Timeout(30*time.Second)); err != nil {
		return err
	}
	if err := os.MkdirAll(o.b.streams(), 0o700); err != nil {
		return err
	}
	o.keeper, err = store.NewKeeper(dataDir, o.b.streams(), false)
	return err
}

// Account is the public key of the account that has the streams.
func (o *Offline) Account() string { return o.b.accounts.home }

// Close stops the server, has all that it wrote on the disk, and notes what is there.
func (o *Offline) Close(ctx context.Context) error {
	o.Admin.Close()
	var errs []error
	if o.b != nil && o.b.srv.now() != nil {
		last, err := o.b.lastOf()
		errs = append(errs, err, o.b.closeStore(ctx))
		if o.keeper != nil && errors.Join(errs...) == nil {
			errs = append(errs, syncAll(o.b.cfg.DataDir), o.keeper.Closed(last, nil))
		}
	}
	return errors.Join(append(errs, o.release())...)
}

// syncFiles has every file below a folder on the disk, and the folders.
func syncFiles(dir string) error {
	return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() && !e.IsDir() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return fmt.Errorf("sync: %w", err)
		}
		return errors.Join(f.Sync(), f.Close())
	})
}
