package broker

import (
	"fmt"

	"github.com/nats-io/nats.go"

	"spool.internal/events/jet"
)

// hintPrefix stands before the subject of a message that was stored, in Spool's
// account. What a role publishes comes in by a service import, and the server
// passes none of that on to other accounts; so the broker says it once more.
const hintPrefix = "spool.hint."

// relayHints repeats the subjects, without what was said. A hint that is lost
// costs only time: its receivers also check by themselves.
func relayHints(nc *nats.Conn) error {
	for _, subject := range jet.Hinted() {
		_, err := nc.QueueSubscribe(subject, oneBroker, func(m *nats.Msg) { _ = nc.Publish(hintPrefix+m.Subject, nil) })
		if err != nil {
			return fmt.Errorf("hints of %s: %w", subject, err)
		}
	}
	return nil
}
