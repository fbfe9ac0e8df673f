package main

import (
	"context"
	"crypto/rand"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"time"

	"spool.internal/events"
	"spool.internal/events/drive"
	"spool.internal/events/jet"
	"spool.internal/events/reserve"
	"spool.internal/events/seal"
	"spool.internal/services/broker"
	"spool.internal/services/broker/cluster"
	"spool.internal/services/daemon"
	"spool.internal/services/runner"
)

// service is a part of Spool that can be a process of its own.
type service struct {
	name, short string
	groups      func(*settings) []flagGroup
	start       func(*instance, context.Context, *jet.Bus) error
	keeps       bool // something in its data folder, when it is alone
}

// services are all of them but the broker, in the order in which they start: the one
// that starts last stops first.
var services = []service{
	{
		"runner", "Run the built-in runner alone",
		func(s *settings) []flagGroup { return []flagGroup{&s.place, &s.runner, &s.quota, &s.reserve} },
		(*instance).startRunner, true,
	},
	{
		"dispatcher", "Run the dispatcher alone",
		func(s *settings) []flagGroup {
			return []flagGroup{&s.dispatch, &s.notify, &s.domains, &s.zone, &s.quota}
		},
		(*instance).startDispatcher, true,
	},
	{
		"cron", "Run the clock alone",
		func(s *settings) []flagGroup { return []flagGroup{&s.cron, &s.zone} },
		(*instance).startCron, false,
	},
	{
		"watcher", "Run the folder watcher alone",
		func(s *settings) []flagGroup { return []flagGroup{&s.place, &s.stage, &s.quota, &s.reserve} },
		(*instance).startWatcher, false,
	},
	{
		"gateway", "Run the REST API alone",
		func(s *settings) []flagGroup {
			return []flagGroup{&s.place, &s.gateway, &s.domains, &s.zone, &s.quota, &s.reserve}
		},
		(*instance).startGateway, true,
	},
}

// instance is a running process with one service, or with all of them, and what they share.
type instance struct {
	*daemon.Process
	set *settings

	bundle *cluster.Bundle              // nil: of no cluster, or the broker is in another process
	broker *broker.Broker               // nil: in another process
	runner *runner.Runner               // nil: in another process
	calls  string                       // where the runner of this process takes calls
	around func() (*runner.Host, error) // gives what was found out of the host while the broker started; nil: nobody looks
	addr   string                       // where the API, or the only service, listens
	door   *door                        // nil: it is not open before there is something behind it

	id       string                      // of this process, in what its roles say of themselves
	since    time.Time                   // when it started
	roles    *presences                  // what they say of themselves; nil: the first is not there yet
	endpoint func() events.EndpointState // nil: the dispatcher is in another process
	answered func() events.Minute        // by cron; nil: it is in another process
	waiting  func() events.NoticesState  // to be told; nil: the notifier is in another process

	last    lastMachine
	commits *commitFigures // made with the first bus

	// Made when the first service asks for them.
	drives   *drive.Drives
	recorded bool // drives finds folders of the host in the store
	kept     *reserve.Reserve
	keys     *jet.Keyring
	sealKey  *seal.Key
	secret   string               // shared by dispatcher and runner
	marked   bool                 // it is known whether the store is on hold
	hold     atomic.Pointer[hold] // nil: it was not
}

// openDrives opens the drives, which must not touch the data folder or a secret.
func (in *instance) openDrives() (err error) {
	if in.drives == nil {
		in.drives, err = in.set.place.open(in.set.common.data)
	}
	return err
}

// drivesOf opens the drives; folders of the host that jobs name are found in the store, and shared
// drives are proven to be those of the others.
func (in *instance) drivesOf(ctx context.Context, bus *jet.Bus) (*drive.Drives, error) {
	if err := in.openDrives(); err != nil {
		return nil, err
	}
	if !in.recorded {
		in.drives.At(in.place())
		if err := in.drives.Prove(ctx, bus); err != nil {
			return nil, err
		}
		in.drives.Recorded(bus.HostOf)
		in.recorded = true
	}
	return in.drives, nil
}

// reserve returns the space that is kept free for the store.
func (in *instance) reserve() *reserve.Reserve {
	if in.kept == nil {
		in.kept = in.set.reserve.of(in.Process, in.set.common.data)
	}
	return in.kept
}

// keyring returns the tokens, which it follows from here on.
func (in *instance) keyring(bus *jet.Bus) *jet.Keyring {
	if in.keys == nil {
		in.keys = jet.NewKeyring(bus)
		in.Go("keyring", in.keys.Run)
	}
	return in.keys
}

// openSealKey opens the key that secrets are sealed with.
func (in *instance) openSealKey(ctx context.Context, bus *jet.Bus) (key *seal.Key, err error) {
	if in.sealKey == nil {
		file := filepath.Join(in.set.common.data, "seal.key")
		if in.bundle != nil {
			file = in.bundle.Path(cluster.SealKey)
		}
		in.sealKey, err = bus.OpenSealKey(ctx, file)
	}
	return in.sealKey, err
}

// runSecrets returns the key to the secrets of commands, for the dispatcher and the runner
// of one process.
func (in *instance) runSecrets(ctx context.Context, bus *jet.Bus) (*seal.Shared, error) {
	key, err := in.openSealKey(ctx, bus)
	if err != nil {
		return nil, err
	}
	return key.ForRuns()
}

// runnerSecret returns the secret that dispatcher and runner share: in one process a new
// one at each start, in a cluster that of the bundle, else the one in the file.
func (in *instance) runnerSecret(file string) (_ string, err error) {
	if in.set.alone() {
		return readSecret(file)
	}
	if in.bundle != nil {
		return readSecret(in.bundle.Path(cluster.RunnerSecret))
	}
	if in.secret == "" {
		in.secret = rand.Text()
	}
	return in.secret, nil
}

// log returns the log of a component.
func (in *instance) log(component string) *slog.Logger {
	return in.Log.With("component", component)
}

// add runs a service; the process is ready only while the service is.
func (in *instance) add(name string, s part) {
	s = in.afterHold(name, s)
	in.Go(name, s.Run)
	in.OnCheck(name, s.Check)
}
