package broker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// current is the server that runs now. Clients in this process reach it through here,
// so that they come to the next one when it has been exchanged.
type current struct {
	mu   sync.Mutex
	srv  *server.Server
	away bool // it is being exchanged
	shut bool // no client is connected any more
}

func (c *current) now() *server.Server {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.srv
}

func (c *current) set(srv *server.Server) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.srv, c.away = srv, false
}

// leave turns clients away until the next server is set.
func (c *current) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.away = true
}

// fence turns clients away for good.
func (c *current) fence() *server.Server {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shut = true
	return c.srv
}

// InProcessConn connects a client to the server that runs now.
func (c *current) InProcessConn() (net.Conn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.shut {
		return nil, errors.New("the data folder was taken away")
	}
	if c.srv == nil || c.away {
		return nil, errors.New("the NATS server is being opened anew")
	}
	return c.srv.InProcessConn()
}

// openStore starts a server on the store. Nobody outside this process reaches it
// before listen.
func (b *Broker) openStore() error {
	opts, err := b.options()
	if err != nil {
		return err
	}
	disk := slowDisk(opts)
	srv, err := server.NewServer(opts)
	if err != nil {
		return fmt.Errorf("NATS server: %w", err)
	}
	srv.SetLoggerV2(bridge{b.cfg.Log.With("component", "nats"), &sample{}}, false, false, false)
	srv.Start()
	if b.cfg.Bundle != nil {
		startRoutes(srv)
	}
	disk(srv)
	if !srv.ReadyForConnections(30 * time.Second) {
		srv.Shutdown()
		srv.WaitForShutdown()
		return errors.New("the NATS server did not become ready within 30 s")
	}
	b.srv.set(srv)
	return nil
}

// options are those of the next server: the machines of a cluster may have changed.
func (b *Broker) options() (*server.Options, error) {
	b.optsMu.Lock()
	opts := b.opts.Clone()
	b.optsMu.Unlock()
	if of := b.bundle.Load(); of != nil {
		return opts, member(opts, of)
	}
	return opts, nil
}

// listen lets in who is outside this process. The server listens last: a subscriber
// that is refused twice would give up for good.
func (b *Broker) listen() {
	srv, listening := b.srv.now(), make(chan struct{})
	srv.AcceptLoop(listening)
	<-listening
	if at, ok := srv.Addr().(*net.TCPAddr); ok {
		b.optsMu.Lock()
		b.opts.Port = at.Port // also of the next server
		b.optsMu.Unlock()
	}
}

// closeStore stops the server and waits until its store is closed.
func (b *Broker) closeStore(ctx context.Context) error {
	srv := b.srv.now()
	srv.Shutdown()
	done := make(chan struct{})
	go func() { // ends with the server
		srv.WaitForShutdown()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("NATS server is still closing its store: %w", context.Cause(ctx))
	}
}
