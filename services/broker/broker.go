package broker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"spool.internal/events/jet"
	"spool.internal/services/broker/store"
)

// Broker is a running server.
type Broker struct {
	srv      *server.Server
	accounts *accounts
	creds    []byte // of the services in this process: they may do everything
	cfg      Config
	guard    *guard
	own      *jet.Bus // for what the broker itself keeps
	outside  *subscribers
	faults   faults
	roles    map[Role]roleKeys

	keeper  *store.Keeper // nil until the server is up
	inOrder bool          // the store was closed in order before this start
	jobs    jobCount
	lost    atomic.Pointer[Lost] // what became of the data folder
}

// Start starts the server and returns when its streams are there.
func Start(ctx context.Context, cfg Config) (*Broker, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	keys, err := loadKeys(cfg.DataDir)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(cfg.DataDir, "nats")
	if cfg.MaxStore == 0 {
		cfg.MaxStore = max(minStore, min(jet.FullStore, diskRoom(dir)))
	}
	opts, err := options(cfg, dir)
	if err != nil {
		return nil, err
	}
	accounts, err := keys.trust(opts)
	if err != nil {
		return nil, err
	}
	creds, err := userOf(keys.Account, "", "spool", time.Time{})
	if err != nil {
		return nil, err
	}
	b := &Broker{accounts: accounts, creds: creds, cfg: cfg, roles: keys.Roles}
	if err := b.checkStore(); err != nil {
		return nil, err
	}
	if err := keepAcked(dir); err != nil {
		return nil, err
	}
	disk := slowDisk(opts)
	srv, err := server.NewServer(opts)
	if err != nil {
		return nil, fmt.Errorf("NATS server: %w", err)
	}
	srv.SetLoggerV2(bridge{cfg.Log.With("component", "nats"), &sample{}}, false, false, false)
	b.srv = srv
	srv.Start()
	disk(srv)
	if !srv.ReadyForConnections(30 * time.Second) {
		return nil, errors.Join(errors.New("the NATS server did not become ready within 30 s"), b.Close(ctx))
	}
	if err := b.ensure(ctx); err != nil {
		return nil, errors.Join(err, b.Close(ctx))
	}
	if b.guard, err = newGuard(b, creds); err != nil {
		return nil, errors.Join(err, b.Close(ctx))
	}
	if err := b.keepNote(); err != nil {
		return nil, errors.Join(err, b.Close(ctx))
	}
	if b.own, err = b.Connect(ctx, "broker"); err != nil {
		return nil, errors.Join(err, b.Close(ctx))
	}
	b.outside = &subscribers{
		bus: b.own, srv: srv, accounts: accounts, secret: keys.Derive, known: map[string]stored{}, log: cfg.Log.With("component", "broker"),
	}
	if err := b.outside.open(ctx); err != nil {
		return nil, errors.Join(err, b.Close(ctx))
	}
	if cfg.Listen != "" {
		if err := relayHints(b.guard.nc); err != nil {
			return nil, errors.Join(err, b.Close(ctx))
		}
		// The server listens last: a subscriber that is refused twice would give up for good.
		listening := make(chan struct{})
		srv.AcceptLoop(listening)
		<-listening
	}
	return b, nil
}

// What clients can cost the server. A connection that does not authenticate is
// cut after 2 s, the server's own rule.
const (
	maxConnections   = 1000
	maxSubscriptions = 10_000 // of one connection
	maxPayload       = 1 << 20
)

func options(cfg Config, store string) (*server.Options, error) {
	opts := &server.Options{
		ServerName: "spool", StoreDir: store, JetStream: true,
		JetStreamMaxStore: cfg.MaxStore, JetStreamMaxMemory: 64 << 20,
		SyncAlways: cfg.Durability == Fsync, SyncInterval: 250 * time.Millisecond,
		NoSigs: true, DisableJetStreamBanner: true, DontListen: true, // before it knows whom to let in
		MaxConn: maxConnections, MaxSubs: maxSubscriptions, MaxPayload: maxPayload,
	}
	if cfg.Durability == Fsync {
		opts.SyncInterval = 2 * time.Minute // everything is synced already
	}
	if cfg.Listen != "" {
		return opts, cfg.listener(opts)
	}
	return opts, nil
}

func (b *Broker) ensure(ctx context.Context) error {
	bus, err := b.Connect(ctx, "broker")
	if err != nil {
		return err
	}
	err = bus.Ensure(ctx, jet.Topology{Store: b.cfg.MaxStore, Replicas: 1, ResultsPerJob: b.cfg.ResultsPerJob})
	return errors.Join(err, bus.Close(ctx))
}

// Connect gives a service in this process its bus, without a socket.
func (b *Broker) Connect(ctx context.Context, name string) (*jet.Bus, error) {
	needs := Role(name).Needs()
	if _, role := rightsOf[Role(name)]; !role {
		needs = jet.EveryStream()
	}
	return jet.Connect(ctx, jet.Options{
		Server: b, CredsText: b.creds, Name: name, Needs: needs, Held: b.faults.held, Log: b.cfg.Log.With("component", name),
	})
}

// Addr is where clients outside this process connect; empty when nowhere.
func (b *Broker) Addr() string {
	if b.cfg.Listen == "" || b.srv.Addr() == nil {
		return ""
	}
	return b.srv.Addr().String()
}

// Close stops the server and waits until its store is closed.
func (b *Broker) Close(ctx context.Context) error {
	var errs []error
	if b.guard != nil {
		b.guard.nc.Close()
	}
	if b.outside != nil {
		b.outside.close()
	}
	if b.own != nil {
		errs = append(errs, b.own.Close(ctx))
	}
	if b.lost.Load() != nil {
		return errors.Join(errs...) // it would write into what is not its own
	}
	last, err := b.lastOf()
	if err != nil {
		errs = append(errs, err)
	}
	b.srv.Shutdown()
	done := make(chan struct{})
	go func() {
		b.srv.WaitForShutdown()
		close(done)
	}()
	select {
	case <-done:
		return errors.Join(append(errs, b.closeNote(last))...)
	case <-ctx.Done():
		return errors.Join(append(errs, fmt.Errorf("NATS server is still closing its store: %w", context.Cause(ctx)))...)
	}
}

// lockPatience is how long a lock that is held is waited for. A child between
// fork and exec has a copy of it for a moment longer than a killed parent.
const lockPatience = 2 * time.Second

// Lock takes the data folder for this process, so that no second one works on
// the same store. The lock goes with the process, however it ends.
func Lock(dataDir string) (release func() error, err error) {
	if err := os.MkdirAll(dataDir, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dataDir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	for deadline := time.Now().Add(lockPatience); ; time.Sleep(20 * time.Millisecond) {
		if err = flock(f); err == nil {
			return f.Close, nil
		}
		if !errors.Is(err, errLocked) {
			return nil, errors.Join(fmt.Errorf("data folder %s cannot be locked: %w", dataDir, err), f.Close())
		}
		if time.Now().After(deadline) {
			return nil, errors.Join(fmt.Errorf("data folder %s is in use by another spool process", dataDir), f.Close())
		}
	}
}

var errLocked = errors.New("locked by another process")
