package broker

import (
	"net"
	"testing"

	"github.com/nats-io/nats.go"

	"spool.internal/events/eventstest"
)

// Connections that never say who they are take no place for longer than the
// server waits for them, and a client has only so many subscriptions.
func TestConnectionsAndSubscriptionsAreBounded(t *testing.T) {
	t.Parallel()
	b := start(t, t.TempDir(), "127.0.0.1:0")
	nc, err := nats.Connect("nats://"+b.Addr(), nats.UserCredentialBytes(b.creds))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	before := b.srv.now().NumSubscriptions()
	const own = 100 // the broker's own come and go
	for range maxSubscriptions + 2*own {
		if _, err := nc.SubscribeSync(nats.NewInbox()); err != nil {
			t.Fatal(err)
		}
	}
	_ = nc.Flush() // the server may have cut the client off
	if n := b.srv.now().NumSubscriptions() - before; n > maxSubscriptions+own {
		t.Errorf("%d subscriptions of one client", n)
	}
	for range maxConnections + 10 {
		c, err := net.Dial("tcp", b.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	if n := b.srv.now().NumClients(); n > maxConnections {
		t.Errorf("%d clients", n)
	}
	eventstest.Eventually(t, "a client with credentials is let in", func() bool {
		other, err := nats.Connect("nats://"+b.Addr(), nats.UserCredentialBytes(b.creds))
		if err == nil {
			other.Close()
		}
		return err == nil
	})
}
