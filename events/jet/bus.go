package jet

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"spool.internal/events/wait"
)

// Bus is a service's connection to JetStream. It is safe for concurrent use.
type Bus struct {
	nc   *nats.Conn
	js   jetstream.JetStream
	name string // of the service
	log  *slog.Logger

	triggers room // in TRIGGERS
	files    room // in FILES
	jobs     room // in JOBS
	tokens   room // in the bucket TOKENS

	life    context.Context // ends with Close
	end     context.CancelFunc
	tasksMu sync.Mutex
	tasks   sync.WaitGroup // what runs until then, or until it has nothing to do

	lineMu sync.Mutex
	line   chan struct{}      // closed when the next connection is made
	wire   context.Context    // ends with the connection
	snap   context.CancelFunc // ends it

	dead   deadCount
	places placesCache

	machines machinesCache

	desksMu sync.Mutex
	desks   map[string]*desk // by stream and consumer

	up      atomic.Int64 // unix ns of the last (re)connect
	down    atomic.Int64 // unix ns of the last disconnect, 0 while connected
	within  bool         // the server is in this process
	alone   bool         // and is the only one
	cluster atomic.Bool  // the server was one of several when it was last connected to
	denials denials
	figures figures

	copies copies
	form   atomic.Int32 // of what is written, see [Marks]
	stalls stalls

	stallAfter time.Duration // 0 = as usual
	needs      Needs
	health     health
	leaders    *Leaders
	held       func() error // see [Options.Held]
	broken     func(stream string) error
	tight      func() error
}

// Options say how to connect.
type Options struct {
	URL       string                     // nats://host:port; not used when Server is set
	Creds     string                     // a standard credentials file, or one with a user's key; empty = none
	CredsText []byte                     // what such a file holds, in its place
	CA        string                     // PEM file with the authorities that may have signed the server's certificate; empty = the system's
	Cert, Key string                     // PEM files with the certificate that the server is shown, and its key; empty = none
	Server    nats.InProcessConnProvider // an embedded server to connect to without a socket
	Alone     bool                       // the server is in this process and the only one: see [events.OwnKept]
	Name      string                     // of the service; also its inbox prefix, _INBOX.<name>
	Needs     Needs                      // the streams without which the service is not ready
	Leaders   *Leaders                   // shared with other buses to the same Server; nil = with none
	Held      func() error               // why nothing should be begun now, by who runs the server; nil = it says nothing
	Broken    func(stream string) error  // why a stream takes nothing that is written, by the same
	Tight     func() error               // why nothing is to be purged now, by the same; of code Full
	Log       *slog.Logger               //
}

// Connect connects, and from then on reconnects for ever. It fails only when
// the first attempt fails for another reason than an absent server; an absent
// one is waited for until ctx ends.
func Connect(ctx context.Context, o Options) (*Bus, error) {
	b := &Bus{
		log: o.Log, name: o.Name, needs: o.Needs, held: o.Held, broken: o.Broken, tight: o.Tight, within: o.Server != nil, alone: o.Alone,
		health: newHealth(), leaders: cmp.Or(o.Leaders, &Leaders{}), desks: map[string]*desk{}, line: make(chan struct{}),
		triggers: room{stream: streamTriggers}, files: room{stream: streamFiles},
		jobs: room{stream: streamJobs}, tokens: room{stream: streamTokens},
	}
	b.life, b.end = context.WithCancel(context.Background())
	b.wire, b.snap = context.WithCancel(b.life)
	if err := b.dial(ctx, o.URL, b.options(o)); err != nil {
		return nil, fmt.Errorf("connect to NATS at %s: %w", redacted(o.URL), err)
	}
	b.up.Store(time.Now().UnixNano())
	js, err := jetstream.New(b.nc, jetstream.WithDefaultTimeout(5*time.Second))
	if err != nil {
		b.nc.Close()
		return nil, fmt.Errorf("JetStream: %w", err)
	}
	b.js = js
	b.watchQuorum()
	return b, nil
}

// A server on another machine that is frozen is left for another one after 6 to 9 s.
const (
	pingEvery = 3 * time.Second
	pingsOut  = 2
)

// beside reports whether the one server is in this process: what was asked of it does not get lost, and
// signs of life of it say nothing.
func (b *Bus) beside() bool { return b.within && !b.clustered() }

// options are those of the connection: what it says of itself, how it authenticates and
// what it does when it is lost.
func (b *Bus) options(o Options) []nats.Option {
	opts := []nats.Option{
		nats.Name("spool-" + o.Name),
		nats.CustomInboxPrefix("_INBOX." + o.Name),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(100 * time.Millisecond),
		nats.ReconnectJitter(100*time.Millisecond, 100*time.Millisecond),
		nats.ReconnectBufSize(-1), // a publish that waits for a server could land after its caller gave up on it
		nats.ReconnectHandler(func(*nats.Conn) {
			b.up.Store(time.Now().UnixNano())
			b.down.Store(0)
			b.health.note()
			b.newLine()
			b.log.Info("NATS is back")
		}),
		nats.DisconnectErrHandler(func(nc *nats.Conn, err error) {
			b.down.Store(time.Now().UnixNano())
			b.cut()
			if !nc.IsClosed() {
				b.log.Warn("NATS is gone", "error", errText(err))
			}
		}),
		// A denied permission shows itself only here; the request itself times out.
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			b.log.Error("NATS reports an error", "error", errText(err))
			if errors.Is(err, nats.ErrPermissionViolation) {
				b.deny(denialOf(err.Error()))
			}
		}),
	}
	if o.Server != nil {
		opts = append(opts, nats.InProcessServer(o.Server))
	} else {
		opts = append(opts, nats.PingInterval(pingEvery), nats.MaxPingsOutstanding(pingsOut))
	}
	if o.Creds != "" {
		opts = append(opts, credentials(o.Creds))
	}
	if o.CredsText != nil {
		opts = append(opts, nats.UserCredentialBytes(o.CredsText))
	}
	if o.CA != "" {
		opts = append(opts, nats.RootCAs(o.CA))
	}
	if o.Cert != "" {
		opts = append(opts, nats.ClientCert(o.Cert, o.Key)) // which reads them again at each connection
	}
	return opts
}

// dial connects. An absent server is waited for until ctx ends.
func (b *Bus) dial(ctx context.Context, url string, opts []nats.Option) error {
	for {
		nc, err := nats.Connect(url, opts...)
		if err == nil {
			b.nc = nc
			return nil
		}
		if !errors.Is(err, nats.ErrNoServers) && !errors.Is(err, nats.ErrTimeout) {
			return err
		}
		b.log.Warn("waiting for NATS", "url", redacted(url), "error", err.Error())
		if err := wait.Sleep(ctx, time.Second); err != nil {
			return err
		}
	}
}

// credentials are those of a file: of a user whom an account has signed, or the key of
// one whom the server's configuration names. It is read at each connection.
func credentials(file string) nats.Option {
	text, err := os.ReadFile(file)
	if err != nil || bytes.Contains(text, []byte("BEGIN NATS USER JWT")) {
		return nats.UserCredentials(file) // which says what is wrong with it
	}
	return func(o *nats.Options) error {
		option, err := nats.NkeyOptionFromSeed(file)
		if err == nil {
			err = option(o)
		}
		return err
	}
}

// NATS is the connection itself, for what is not about streams.
func (b *Bus) NATS() *nats.Conn { return b.nc }

// redacted leaves the passwords out of addresses.
func redacted(urls string) string {
	all := strings.Split(urls, ",")
	for i, one := range all {
		before, after, found := strings.Cut(one, "@")
		if scheme, _, _ := strings.Cut(before, "://"); found {
			all[i] = scheme + "://…@" + after
		}
	}
	return strings.Join(all, ",")
}

// Close lets what is on its way arrive, then disconnects.
func (b *Bus) Close(ctx context.Context) error {
	defer b.endTasks()
	if b.nc.IsClosed() {
		return nil
	}
	b.settle(ctx)
	closed := make(chan struct{})
	b.nc.SetClosedHandler(func(*nats.Conn) { close(closed) })
	if err := b.nc.Drain(); err != nil {
		b.nc.Close()
	}
	select {
	case <-closed:
		return nil
	case <-ctx.Done():
		clustered := b.clustered()
		b.nc.Close()
		if clustered { // as when a leader is elected: what was not confirmed comes again
			b.log.Warn("the connection is cut before everything was confirmed", "error", context.Cause(ctx).Error())
			return nil
		}
		return fmt.Errorf("drain NATS connection: %w", context.Cause(ctx))
	}
}

// Abandon disconnects at once, for a store of which it is known that it answers nothing any more: what is
// on its way is lost, and whatever is asked or written from then on fails at once.
func (b *Bus) Abandon() {
	b.nc.Close()
	b.end()
}

// task runs f beside everything else; false says that the bus is closed. f has to
// end with b.life.
func (b *Bus) task(f func()) bool {
	b.tasksMu.Lock()
	defer b.tasksMu.Unlock()
	if b.life.Err() != nil {
		return false
	}
	b.tasks.Go(f)
	return true
}

func (b *Bus) endTasks() {
	b.tasksMu.Lock()
	b.end()
	b.tasksMu.Unlock()
	b.tasks.Wait()
}

// newLine says that another connection was made.
func (b *Bus) newLine() {
	b.lineMu.Lock()
	defer b.lineMu.Unlock()
	close(b.line)
	b.line = make(chan struct{})
}

// nextLine is closed when another connection is made.
func (b *Bus) nextLine() <-chan struct{} {
	b.lineMu.Lock()
	defer b.lineMu.Unlock()
	return b.line
}

// Up says when the connection was made, anew after each loss. What a server
// stored before then may have been worked on without this process knowing.
func (b *Bus) Up() time.Time { return time.Unix(0, b.up.Load()) }

// hint calls f with the subject of every message that somebody tries to publish
// below filter, stored or not. It is for waking up early, never for knowing.
func (b *Bus) hint(filter string, f func(subject string)) error {
	recordIn(filter)
	_, err := b.nc.Subscribe(filter, func(m *nats.Msg) { f(m.Subject) })
	if err != nil {
		return fmt.Errorf("subscribe %s: %w", filter, err)
	}
	return b.nc.Flush()
}

func errText(err error) string {
	if err == nil {
		return "connection closed"
	}
	return err.Error()
}
