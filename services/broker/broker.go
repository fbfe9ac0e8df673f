package broker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"spool.internal/events/jet"
	"spool.internal/services/broker/cluster"
	"spool.internal/services/broker/store"
)

// Broker is a running server, and one after the other when its store has to be
// opened anew.
type Broker struct {
	cfg         Config
	opts        *server.Options
	srv         *current
	accounts    *accounts
	creds       []byte // of the services in this process: they may do everything
	systemCreds []byte // of the server's system account
	guard       *guard
	own         *jet.Bus // for what the broker itself keeps
	leaders     jet.Leaders
	outside     *subscribers
	faults      faults
	healer      *healer
	roles       map[Role]roleKeys
	control     *control // nil where the data folder can hold no socket

	bundle   atomic.Pointer[cluster.Bundle]       // as it is now; nil = alone
	gone     atomic.Pointer[map[string]time.Time] // machines that are away, since when
	optsMu   sync.Mutex                           // guards Port of opts
	keeper   *store.Keeper                        // nil until the server is up
	restored atomic.Bool                          // what spool restore was waited for is there
	inOrder  bool                                 // the store was closed in order before this start
	jobs     jobCount
	lost     atomic.Pointer[Lost] // what became of the data folder
}

// Start starts the server and returns when its streams are there.
func Start(ctx context.Context, cfg Config) (*Broker, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if err := store.RefuseHalf(cfg.DataDir); err != nil {
		return nil, err
	}
	if err := cluster.Claim(cfg.DataDir, cfg.Bundle); err != nil {
		return nil, err
	}
	keys, err := loadKeys(cfg.DataDir, cfg.Bundle)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(cfg.DataDir, "nats")
	if cfg.MaxStore == 0 {
		cfg.MaxStore = max(minStore, min(jet.FullStore, diskRoom(dir)))
	}
	b := &Broker{cfg: cfg, srv: &current{}, roles: keys.Roles}
	b.bundle.Store(cfg.Bundle)
	if b.opts, err = options(cfg, dir); err != nil {
		return nil, err
	}
	if b.accounts, err = keys.trust(b.opts, cfg.signing()); err != nil {
		return nil, err
	}
	if b.creds, err = userOf(keys.Account, "", "spool", time.Time{}); err != nil {
		return nil, err
	}
	if b.systemCreds, err = userOf(keys.System, "", "spool", time.Time{}); err != nil {
		return nil, err
	}
	if err := b.checkStore(); err != nil {
		return nil, err
	}
	if err := keepAcked(dir); err != nil {
		return nil, err
	}
	if err := b.openStore(); err != nil {
		return nil, err
	}
	if b.control, err = openControl(cfg.DataDir, b.srv); err != nil {
		cfg.Log.Warn("commands on this machine do not reach the broker", "error", err.Error())
	}
	if err := b.serve(ctx, keys.Derive); err != nil {
		return nil, errors.Join(err, b.Close(ctx))
	}
	return b, nil
}

// serve makes the streams and lets clients in.
func (b *Broker) serve(ctx context.Context, secret []byte) (err error) {
	if b.guard, err = newGuard(b.srv, b.creds, b.tight); err != nil {
		return err
	}
	if b.cfg.Bundle != nil {
		if err := b.answerWho(); err != nil {
			return err
		}
	}
	if b.own, err = b.Connect(ctx, "broker"); err != nil {
		return err
	}
	if err := b.ensure(ctx); err != nil {
		return err
	}
	if err := b.keepNote(); err != nil {
		return err
	}
	b.outside = &subscribers{
		bus: b.own, srv: b.srv, accounts: b.accounts, secret: secret, known: map[string]stored{}, log: b.cfg.Log.With("component", "broker"),
	}
	if err := b.outside.open(ctx); err != nil {
		return err
	}
	if b.cfg.Listen != "" {
		if err := relayHints(b.guard.nc); err != nil {
			return err
		}
		b.listen()
	}
	b.healer, err = newHealer(b)
	return err
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
		NoSublistCache: true, // a subject seldom comes twice: it names a file, a sequence or an answer
	}
	if cfg.Durability == Fsync {
		opts.SyncInterval = 2 * time.Minute // everything is synced already
	}
	if cfg.Bundle != nil {
		if err := errors.Join(checkRoutes(cfg.Bundle), member(opts, cfg.Bundle)); err != nil {
			return nil, err
		}
	}
	if cfg.Listen != "" {
		return opts, cfg.listener(opts)
	}
	return opts, nil
}

func (b *Broker) ensure(ctx context.Context) error {
	if b.cfg.Bundle != nil {
		return b.gather(ctx, b.own)
	}
	return b.own.Ensure(ctx, jet.Topology{Store: b.cfg.MaxStore, Replicas: 1, ResultsPerJob: b.cfg.ResultsPerJob})
}

// Connect gives a service in this process its bus, without a socket.
func (b *Broker) Connect(ctx context.Context, name string) (*jet.Bus, error) {
	needs := Role(name).Needs()
	if !slices.Contains(Roles(), Role(name)) {
		needs = jet.EveryStream()
	}
	return jet.Connect(ctx, jet.Options{
		Server: b.srv, Alone: b.cfg.Bundle == nil, CredsText: b.creds, Name: name, Needs: needs, Leaders: &b.leaders, Held: b.held, Broken: b.broken, Tight: b.tight, Log: b.cfg.Log.With("component", name),
	})
}

// ConnectAs gives a service in this process a bus in the account of its role, where
// subscribers ask it.
func (b *Broker) ConnectAs(ctx context.Context, role Role) (*jet.Bus, error) {
	creds, err := os.ReadFile(filepath.Join(b.cfg.DataDir, role.Creds()))
	if err != nil {
		return nil, fmt.Errorf("credentials: %w", err)
	}
	return jet.Connect(ctx, jet.Options{
		Server: b.srv, Alone: b.cfg.Bundle == nil, CredsText: creds, Name: string(role), Needs: role.Needs(), Leaders: &b.leaders, Held: b.held, Broken: b.broken, Log: b.cfg.Log.With("component", string(role)),
	})
}

// Addr is where clients outside this process connect; empty when nowhere.
func (b *Broker) Addr() string {
	srv := b.srv.now()
	if b.cfg.Listen == "" || srv.Addr() == nil {
		return ""
	}
	return srv.Addr().String()
}

// Close stops the server and waits until its store is closed, or ctx ends.
func (b *Broker) Close(ctx context.Context) error {
	closed := make(chan error, 1)
	go func() { closed <- b.close(ctx) }() // ends with the server, which may hang
	select {
	case err := <-closed:
		return err
	case <-ctx.Done():
		return fmt.Errorf("NATS server is still closing its store: %w", context.Cause(ctx))
	}
}

func (b *Broker) close(ctx context.Context) error {
	var errs []error
	if b.control != nil {
		b.control.close()
	}
	if b.healer != nil {
		b.healer.close()
	}
	alone := len(b.Minority()) > 0 // nobody takes over, and nothing is stored any more
	if b.lost.Load() == nil && !alone {
		b.stepDown(ctx)
	}
	if alone && b.own != nil {
		b.own.Abandon()
	}
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
	err = b.closeStore(ctx)
	if err == nil {
		err = b.closeNote(last)
	}
	return errors.Join(append(errs, err)...)
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
