package broker

import (
	"context"
	"encoding/json"
	"time"

	"github.com/nats-io/nats.go"

	"spool.internal/services/broker/cluster"
)

// whoSubject asks every machine of a cluster how it is; only the streams' account hears it.
const whoSubject = "spool.cluster.who"

// Said is what a machine says of itself.
type Said struct {
	cluster.Of
	Version     string    `json:"version,omitempty"`
	Since       time.Time `json:"since"`            // it has run
	Certificate time.Time `json:"certificate_ends"` // zero: not known
	Why         []string  `json:"why,omitempty"`    // what it lacks
}

// answerWho answers who asks.
func (b *Broker) answerWho() error {
	began := time.Now().UTC()
	_, err := b.guard.nc.Subscribe(whoSubject, func(m *nats.Msg) {
		said := Said{Of: b.bundle.Load().Of, Version: b.cfg.Version, Since: began}
		said.Certificate, _ = b.bundle.Load().Ends() // it was read
		if err := b.faults.whole(); err != nil {
			said.Why = append(said.Why, err.Error())
		}
		text, _ := json.Marshal(said)
		_ = m.Respond(text) // who asked has gone
	})
	return err
}

// gatherWithin is how long machines may take to say how they are.
const gatherWithin = 2 * time.Second

// askAll sends a request that many answer, until so many have, or time is up.
func askAll(ctx context.Context, nc *nats.Conn, subject string, body []byte, enough func(*nats.Msg) bool) error {
	inbox := nc.NewRespInbox()
	sub, err := nc.SubscribeSync(inbox)
	if err != nil {
		return err
	}
	defer sub.Unsubscribe() //nolint:errcheck // it ends with the connection
	if err := nc.PublishRequest(subject, inbox, body); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, gatherWithin)
	defer cancel()
	for {
		m, err := sub.NextMsgWithContext(limited)
		if err != nil {
			return ctx.Err() // those that have not answered are away
		}
		if enough(m) {
			return nil
		}
	}
}
