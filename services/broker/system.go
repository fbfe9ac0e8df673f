package broker

import (
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
)

// stepDownMeta asks for another leader of the machines, which only the system account may.
func (b *Broker) stepDownMeta() {
	nc, err := b.system()
	if err != nil {
		return // the server hands it on when it stops
	}
	defer nc.Close()
	_, _ = nc.Request("$JS.API.META.LEADER.STEPDOWN", nil, 500*time.Millisecond) // it is looked at again
}

// system connects to the server's system account.
func (b *Broker) system() (*nats.Conn, error) {
	nc, err := nats.Connect("", nats.InProcessServer(b.srv), nats.UserCredentialBytes(b.systemCreds), nats.Name("spool-system"), nats.NoReconnect())
	if err != nil {
		return nil, fmt.Errorf("system account: %w", err)
	}
	return nc, nil
}
