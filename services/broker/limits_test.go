package broker

import (
	"net"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
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
	for range maxSubscriptions + 10 {
		if _, err := nc.SubscribeSync(nats.NewInbox()); err != nil {
			t.Fatal(err)
		}
	}
	_ = nc.Flush() // the server may have cut the client off
	id, err := nc.GetClientID()
	if err != nil {
		t.Fatal(err)
	}
	conns, err := b.srv.now().Connz(&server.ConnzOptions{CID: id}) // the broker's own subscriptions come and go
	if err != nil || len(conns.Conns) > 1 {
		t.Fatal(conns, err)
	}
	for _, c := range conns.Conns {
		if c.NumSubs > maxSubscriptions {
			t.Errorf("%d subscriptions of one client", c.NumSubs)
		}
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
