package broker

import (
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"spool.internal/events/jet"
)

// hintPrefix stands before the subject of a message that was stored, in Spool's
// account. What a role publishes comes in by a service import, and the server
// passes none of that on to other accounts; so the broker says it once more.
const hintPrefix = "spool.hint."

// relayHints repeats the subjects, without what was said. A hint that is lost
// costs only time: its receivers also check by themselves. That a job has files is
// said once a second: who hears of one reads on until there are no more.
func relayHints(nc *nats.Conn) error {
	for _, subject := range jet.Hinted() {
		var said said // of the goroutine of this subscription
		_, err := nc.QueueSubscribe(subject, oneBroker, func(m *nats.Msg) {
			if !said.lately(m.Subject, time.Now()) {
				_ = nc.Publish(hintPrefix+m.Subject, nil)
			}
		})
		if err != nil {
			return fmt.Errorf("hints of %s: %w", subject, err)
		}
	}
	return nil
}

// said remembers of which jobs it was said lately that they have files.
type said struct {
	jobs  map[string]bool
	since time.Time
}

// sayAgain is how long a job is remembered at most.
const sayAgain = time.Second

// lately reports whether what a hint tells was said already, and remembers it.
func (s *said) lately(subject string, now time.Time) bool {
	job := jet.HintedFiles(subject)
	if job == "" {
		return false
	}
	if now.Sub(s.since) >= sayAgain {
		s.jobs, s.since = map[string]bool{}, now
	}
	before := s.jobs[job]
	s.jobs[job] = true
	return before
}
